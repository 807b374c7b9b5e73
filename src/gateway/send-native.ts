import { GatewayError } from '../core/errors.ts'
import { type Credential, mayLeaveTo, type Target, type UpstreamRequest } from '../core/upstream.ts'
import { dropPackedThinking } from '../wire/drop-packed-thinking.ts'
import { requestHeadersForUpstream } from '../wire/headers.ts'
import { replaceModel } from '../wire/replace-model.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { relay } from './relay.ts'
import { hopHeader } from './stages/admit.ts'
import type { HoldsAnswers, TryFailure } from './try-failure.ts'
import { toError } from './upstream-error.ts'

/** One try at a provider that speaks Messages: the bytes of request and answer pass untouched. Null: the exchange is closed. */
export async function sendNative(
  exchange: Exchange,
  target: Target,
  gateway: Gateway,
  tries: HoldsAnswers,
): Promise<TryFailure | null> {
  const request = toUpstreamRequest(exchange, target, gateway)
  const failure = await relay(exchange, request, gateway, tries)
  if (failure === null || failure.kind === 'held') return failure
  return { kind: 'broken', failure, error: toError(failure, request, exchange) }
}

function toUpstreamRequest(exchange: Exchange, target: Target, gateway: Gateway): UpstreamRequest {
  const credential = credentialFor(exchange, target)
  // The last check before the socket: after every rewriting of the address.
  if (!mayLeaveTo(target.origin, credential)) {
    throw new GatewayError(
      'caller_forbidden',
      'A claude.ai login may only be sent to api.anthropic.com over TLS; this gateway sends calls elsewhere. Use an API key.',
    )
  }
  exchange.provider = target.provider
  exchange.account =
    target.credential !== null || credential === null ? target.account : gateway.accountOf(credential.secret.reveal())
  const headers = requestHeadersForUpstream(exchange.request.rawHeaders)
  headers.push('accept-encoding', 'identity', ...target.sign(credential))
  // Anthropic itself cannot be a loop and is sent nothing that the caller did not send.
  if (target.origin !== 'https://api.anthropic.com') headers.push(hopHeader, gateway.instanceId)
  return {
    origin: target.origin,
    path: target.pathPrefix + (exchange.request.url ?? '/'),
    method: exchange.method,
    headers,
    body: bodyFor(exchange, target, gateway),
    headersTimeoutMs: gateway.config.headersTimeoutMs,
    idleTimeoutMs: gateway.config.idleTimeoutMs,
  }
}

function credentialFor(exchange: Exchange, target: Target): Credential | null {
  if (target.credential !== null) return target.credential
  return target.acceptsCallerCredential ? exchange.callerCredential : null
}

/**
 * The bytes as they came; only the model's name is another where a route or the caller's spelling says so, and thinking of
 * other providers is left out.
 */
function bodyFor({ body, requestedModel, endpoint }: Exchange, { model }: Target, { router }: Gateway): Buffer | null {
  if (body === null) return null
  const isConversation = endpoint === 'messages' || endpoint === 'count_tokens'
  const own = isConversation && router.translates ? dropPackedThinking(body) : body
  return model === null || model === requestedModel ? own : replaceModel(own, model)
}

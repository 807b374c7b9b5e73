import { GatewayError } from '../core/errors.ts'
import { type Credential, mayLeaveTo, type Target, type UpstreamRequest } from '../core/upstream.ts'
import { requestHeadersForUpstream } from '../wire/headers.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { relay } from './relay.ts'
import { hopHeader } from './stages/admit.ts'
import { attemptTranslated } from './translated/attempt-translated.ts'
import { toError } from './upstream-error.ts'

/** Sends the call to its target and relays the answer; tries again only where nothing was sent yet. */
export async function attempt(exchange: Exchange, target: Target, gateway: Gateway): Promise<void> {
  if (target.translation !== null) return attemptTranslated(exchange, target, gateway)
  const request = toUpstreamRequest(exchange, target, gateway)
  for (;;) {
    exchange.attempts++
    const failure = await relay(exchange, request, gateway)
    if (failure === null) return
    if (failure.kind !== 'connect' || exchange.attempts >= gateway.config.connectAttempts)
      throw toError(failure, request, exchange)
  }
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
    body: exchange.body,
    headersTimeoutMs: gateway.config.headersTimeoutMs,
    idleTimeoutMs: gateway.config.idleTimeoutMs,
  }
}

function credentialFor(exchange: Exchange, target: Target): Credential | null {
  if (target.credential !== null) return target.credential
  return target.acceptsCallerCredential ? exchange.callerCredential : null
}

import { GatewayError } from '../core/errors.ts'
import {
  type Credential,
  mayLeaveTo,
  type Target,
  type UpstreamFailure,
  type UpstreamRequest,
} from '../core/upstream.ts'
import { requestHeadersForUpstream } from '../wire/headers.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { relay } from './relay.ts'
import { hopHeader } from './stages/admit.ts'

/** Sends the call to its target and relays the answer; tries again only where nothing was sent yet. */
export async function attempt(exchange: Exchange, target: Target, gateway: Gateway): Promise<void> {
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

function toError(failure: UpstreamFailure, request: UpstreamRequest, exchange: Exchange): GatewayError {
  const { cause } = failure
  switch (failure.kind) {
    case 'connect':
      return new GatewayError(
        'provider_unreachable',
        `No connection to ${request.origin} after ${exchange.attempts} tries (${failure.detail}).`,
        { cause },
      )
    case 'headers_timeout':
      return new GatewayError(
        'provider_timeout',
        `${request.origin} sent no answer within ${request.headersTimeoutMs} ms.`,
        { cause },
      )
    case 'idle_timeout':
      return new GatewayError(
        'provider_stream_stalled',
        `${request.origin} sent no byte for ${request.idleTimeoutMs} ms in the middle of its answer.`,
        { cause },
      )
    case 'bad_response':
      return new GatewayError(
        'provider_bad_response',
        `${request.origin} sent no valid HTTP answer (${failure.detail}).`,
        { cause },
      )
    case 'aborted':
      return new GatewayError('caller_cancelled', 'The caller left before the answer was complete.', { cause })
    case 'cut':
      return exchange.upstreamStatus === null
        ? new GatewayError('provider_unreachable', `${request.origin} closed the connection without an answer.`, {
            cause,
          })
        : new GatewayError(
            'provider_stream_cut',
            `${request.origin} broke the connection in the middle of its answer.`,
            { cause },
          )
  }
}

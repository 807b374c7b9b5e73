import { GatewayError } from '../core/errors.ts'
import type { UpstreamFailure, UpstreamRequest } from '../core/upstream.ts'
import type { Exchange } from './exchange.ts'

/** A call that broke on its way, as an error that says whose fault it is. */
export function toError(failure: UpstreamFailure, request: UpstreamRequest, exchange: Exchange): GatewayError {
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

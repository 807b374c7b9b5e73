import { type ErrorType, GatewayError } from '../core/errors.ts'
import type { UpstreamFailure, UpstreamRequest } from '../core/upstream.ts'
import type { Exchange } from './exchange.ts'

/**
 * A call that broke on its way, as an error that says whose fault it is. The record has the upstream's address, which is
 * the operator's to know; the caller is told the provider's name.
 */
export function toError(failure: UpstreamFailure, request: UpstreamRequest, exchange: Exchange): GatewayError {
  const { cause } = failure
  const error = (type: ErrorType, said: (who: string) => string): GatewayError =>
    new GatewayError(type, said(request.origin), {
      cause,
      shown: said(`the provider ${exchange.provider ?? ''}`.trim()),
    })
  switch (failure.kind) {
    case 'connect':
      return error(
        'provider_unreachable',
        (who) => `No connection to ${who} after ${exchange.attempts} tries (${failure.detail}).`,
      )
    case 'headers_timeout':
      return error('provider_timeout', (who) => `No answer from ${who} within ${request.headersTimeoutMs} ms.`)
    case 'idle_timeout':
      return error(
        'provider_stream_stalled',
        (who) => `No byte from ${who} for ${request.idleTimeoutMs} ms in the middle of its answer.`,
      )
    case 'bad_response':
      return error('provider_bad_response', (who) => `No valid HTTP answer from ${who} (${failure.detail}).`)
    case 'aborted':
      return new GatewayError('caller_cancelled', 'The caller left before the answer was complete.', { cause })
    case 'cut':
      return exchange.upstreamStatus === null
        ? error('provider_unreachable', (who) => `The connection to ${who} closed without an answer.`)
        : error('provider_stream_cut', (who) => `The connection to ${who} broke in the middle of its answer.`)
  }
}

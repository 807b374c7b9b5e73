import { anthropicErrorBody, GatewayError } from '../core/errors.ts'
import { closeExchange } from './close-exchange.ts'
import { describeDefect } from './describe-defect.ts'
import { type Exchange, failureOf } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { requestIdHeader } from './relay.ts'

/**
 * The one place where an error becomes a response. Before the response head: Anthropic's error body. In a stream between
 * two events: an `error` event. In the middle of a frame, or of a body: the connection is broken off, because an invented
 * ending would make a torn answer look whole.
 */
export function rescue(exchange: Exchange, thrown: unknown, gateway: Gateway): void {
  const error =
    thrown instanceof GatewayError
      ? thrown
      : new GatewayError('gateway_internal', 'The gateway failed on this call.', { cause: thrown })
  if (error.type === 'gateway_internal') {
    const detail = describeDefect(thrown)
    gateway.logger.error('exchange_failed', 'A call met a defect of the gateway', { request_id: exchange.id, detail })
  }
  closeExchange(exchange, gateway, error.status, failureOf(error))
  const { response } = exchange
  if (response.destroyed) return
  if (response.headersSent) return endStarted(exchange, error)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'request-id': exchange.id,
    [requestIdHeader]: exchange.id,
  }
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(error.retryAfterSeconds)
  // Nothing that a caller repeats can change the gateway's own credential or the state of its account.
  if (error.type === 'provider_auth_failed' || error.type === 'provider_billing') headers['x-should-retry'] = 'false'
  // The rest of an unread body would be taken for the next request.
  if (!exchange.request.complete) headers.connection = 'close'
  response.writeHead(error.status, headers)
  response.end(exchange.method === 'HEAD' ? undefined : anthropicErrorBody(error, exchange.id))
  if (!exchange.request.complete) exchange.request.resume()
}

function endStarted(exchange: Exchange, error: GatewayError): void {
  const { response } = exchange
  if (exchange.mayAppendEvent?.() !== true) return void response.destroy()
  response.end(`event: error\ndata: ${anthropicErrorBody(error, exchange.id)}\n\n`)
}

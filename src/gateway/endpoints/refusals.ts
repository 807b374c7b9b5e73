import { GatewayError } from '../../core/errors.ts'
import type { Endpoint } from '../../core/exchange.ts'
import { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { rescue } from '../rescue.ts'
import { authenticate } from '../stages/authenticate.ts'
import type { Handler } from './messages.ts'

/** Answers a call that has no endpoint here, in Anthropic's error shape, and records it like any other. */
export function refusal(
  gateway: Gateway,
  endpoint: Endpoint,
  error: (path: string, method: string) => GatewayError,
): Handler {
  return (request, response) => {
    const exchange = new Exchange(request, response, endpoint, gateway.clock)
    gateway.inFlight.enter()
    try {
      authenticate(exchange, gateway.keys)
      throw error(exchange.path, exchange.method)
    } catch (thrown) {
      rescue(exchange, thrown, gateway)
    }
  }
}

export const notFound = (gateway: Gateway): Handler =>
  refusal(
    gateway,
    'passthrough',
    (path) => new GatewayError('caller_model_unknown', `There is nothing at ${path.slice(0, 100)}.`),
  )

export const methodNotAllowed = (gateway: Gateway, endpoint: Endpoint, allowed: string): Handler =>
  refusal(
    gateway,
    endpoint,
    (path, method) =>
      new GatewayError('caller_invalid_request', `${path} does not take ${method.slice(0, 20)}; use ${allowed}.`, {
        status: 405,
      }),
  )

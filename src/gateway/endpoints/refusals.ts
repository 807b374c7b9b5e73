import { GatewayError } from '../../core/errors.ts'
import type { Endpoint } from '../../core/exchange.ts'
import type { Gateway } from '../gateway.ts'
import { authenticate } from '../stages/authenticate.ts'
import { endpoint, type Handler } from './endpoint.ts'

/** Answers a call that has no endpoint here, in Anthropic's error shape, and records it like any other. */
export function refusal(
  gateway: Gateway,
  name: Endpoint,
  error: (path: string, method: string) => GatewayError,
): Handler {
  return endpoint(gateway, name, (exchange) => {
    authenticate(exchange, gateway.keys)
    throw error(exchange.path, exchange.method)
  })
}

/** 404 for a path that is none of the gateway's. */
export const notFound = (gateway: Gateway): Handler =>
  refusal(
    gateway,
    'passthrough',
    (path) => new GatewayError('caller_model_unknown', `There is nothing at ${path.slice(0, 100)}.`),
  )

/** 405 for a path that takes other methods; `allowed` names them. */
export const methodNotAllowed = (gateway: Gateway, name: Endpoint, allowed: string): Handler =>
  refusal(
    gateway,
    name,
    (path, method) =>
      new GatewayError('caller_invalid_request', `${path} does not take ${method.slice(0, 20)}; use ${allowed}.`, {
        status: 405,
      }),
  )

/** 400 for a path with dot segments. */
export const crookedPath = (gateway: Gateway): Handler =>
  refusal(
    gateway,
    'passthrough',
    () => new GatewayError('caller_invalid_request', 'The path has dot segments; send the path that is meant.'),
  )

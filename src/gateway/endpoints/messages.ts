import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoint } from '../../core/exchange.ts'
import { attempt } from '../attempt.ts'
import { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { rescue } from '../rescue.ts'
import { admit } from '../stages/admit.ts'
import { authenticate } from '../stages/authenticate.ts'
import { identify } from '../stages/identify.ts'
import { openExchange } from '../stages/open-exchange.ts'
import { readBody } from '../stages/read-body.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * `POST /v1/messages`, and `count_tokens` beside it: the whole way of an exchange, one stage a line. Every stage may throw
 * a `GatewayError`; `rescue` alone turns it into a response.
 */
export function messagesEndpoint(gateway: Gateway, endpoint: Endpoint = 'messages'): Handler {
  return async (request, response) => {
    const exchange = new Exchange(request, response, endpoint, gateway.clock)
    gateway.inFlight.enter()
    try {
      authenticate(exchange, gateway.keys)
      admit(exchange, gateway)
      await readBody(exchange, gateway.config)
      identify(exchange)
      const route = gateway.router.route(exchange)
      openExchange(exchange, route, gateway)
      await attempt(exchange, route, gateway)
    } catch (error) {
      rescue(exchange, error, gateway)
    }
  }
}

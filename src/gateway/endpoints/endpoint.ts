import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoint } from '../../core/exchange.ts'
import { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { rescue } from '../rescue.ts'

/** Takes one call on Node's own request and response, and answers it whatever happens. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** An exchange from its first line to its last: what `way` throws, `rescue` alone turns into a response. */
export function endpoint(gateway: Gateway, name: Endpoint, way: (exchange: Exchange) => void | Promise<void>): Handler {
  return async (request, response) => {
    const exchange = new Exchange(request, response, name, gateway.clock)
    gateway.inFlight.enter()
    try {
      await way(exchange)
    } catch (error) {
      rescue(exchange, error, gateway)
    }
  }
}

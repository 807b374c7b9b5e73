import type { Endpoint } from '../../core/exchange.ts'
import { attempt } from '../attempt.ts'
import { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { rescue } from '../rescue.ts'
import { admit } from '../stages/admit.ts'
import { authenticate } from '../stages/authenticate.ts'
import { openExchange } from '../stages/open-exchange.ts'
import { readBody } from '../stages/read-body.ts'
import type { Handler } from './messages.ts'

/** Model lists, batches, files and whatever else lives under `/v1/`: passed through under the same rules, body unread. */
export function passthroughEndpoint(gateway: Gateway, endpoint: Endpoint = 'passthrough'): Handler {
  return async (request, response) => {
    const exchange = new Exchange(request, response, endpoint, gateway.clock)
    gateway.inFlight.enter()
    try {
      authenticate(exchange, gateway.keys)
      admit(exchange, gateway)
      await readBody(exchange, gateway.config)
      if (exchange.body?.length === 0) exchange.body = null
      const route = gateway.router.route(exchange)
      openExchange(exchange, route, gateway)
      await attempt(exchange, route, gateway)
    } catch (error) {
      rescue(exchange, error, gateway)
    }
  }
}

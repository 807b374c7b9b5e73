import type { Endpoint } from '../../core/exchange.ts'
import { attempt } from '../attempt.ts'
import type { Gateway } from '../gateway.ts'
import { admit } from '../stages/admit.ts'
import { authenticate } from '../stages/authenticate.ts'
import { openExchange } from '../stages/open-exchange.ts'
import { readBody } from '../stages/read-body.ts'
import { endpoint, type Handler } from './endpoint.ts'

/** Model lists, batches, files and whatever else lives under `/v1/`: passed through under the same rules, body unread. */
export function passthroughEndpoint(gateway: Gateway, name: Endpoint = 'passthrough'): Handler {
  return endpoint(gateway, name, async (exchange) => {
    authenticate(exchange, gateway.keys)
    admit(exchange, gateway)
    await readBody(exchange, gateway.config)
    // Calls of this kind often have no body; an empty one would be announced to the provider.
    if (exchange.body?.length === 0) exchange.body = null
    const route = gateway.router.route(exchange)
    openExchange(exchange, route, gateway)
    await attempt(exchange, route, gateway)
  })
}

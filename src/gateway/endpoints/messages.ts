import type { Endpoint } from '../../core/exchange.ts'
import { attempt } from '../attempt.ts'
import type { Gateway } from '../gateway.ts'
import { admit } from '../stages/admit.ts'
import { authenticate } from '../stages/authenticate.ts'
import { identify } from '../stages/identify.ts'
import { openExchange } from '../stages/open-exchange.ts'
import { readBody } from '../stages/read-body.ts'
import { endpoint, type Handler } from './endpoint.ts'

/** `POST /v1/messages`, and `count_tokens` beside it: the whole way of an exchange, one stage a line. */
export function messagesEndpoint(gateway: Gateway, name: Endpoint = 'messages'): Handler {
  return endpoint(gateway, name, async (exchange) => {
    authenticate(exchange, gateway.keys)
    admit(exchange, gateway)
    await readBody(exchange, gateway.config)
    identify(exchange)
    const route = gateway.router.route(exchange)
    openExchange(exchange, route, gateway)
    await attempt(exchange, route, gateway)
  })
}

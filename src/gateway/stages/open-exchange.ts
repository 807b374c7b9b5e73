import { GatewayError } from '../../core/errors.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import type { Route } from '../routing/router.ts'

/** Opens the exchange in the journal, so that a crash from here on leaves a row saying `interrupted`, not silence. */
export function openExchange(exchange: Exchange, route: Route, gateway: Gateway): void {
  exchange.provider = route.places[0]?.target.provider ?? null
  const taken = gateway.record({ kind: 'opened', ...exchange.start() })
  // What cannot be recorded is not sent: the journal's disk is full and so is the memory set aside for that.
  if (!taken)
    throw new GatewayError('gateway_overloaded', 'The gateway cannot record calls at the moment.', {
      retryAfterSeconds: 5,
    })
}

import { GatewayError } from '../../core/errors.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'

/** Names the gateway that a call has passed, so that a wrong upstream address cannot send it round in circles. */
export const hopHeader = 'x-signalbox-hop'

/** Sheds what the gateway cannot take, before any of it costs much. */
export function admit(exchange: Exchange, gateway: Gateway): void {
  const { inFlight, config, instanceId } = gateway
  if (inFlight.draining)
    throw new GatewayError(
      'gateway_shutting_down',
      'The gateway is shutting down; another instance will take the call.',
      { retryAfterSeconds: 1 },
    )
  if (inFlight.count > config.maxInFlight)
    throw new GatewayError('gateway_overloaded', 'The gateway has too many calls in flight.', { retryAfterSeconds: 1 })
  const hops = exchange.request.headers[hopHeader]
  if (hops?.includes(instanceId)) {
    throw new GatewayError(
      'gateway_no_target',
      'The upstream address of this gateway points back at itself: check the provider’s baseUrl.',
      { status: 508 },
    )
  }
}

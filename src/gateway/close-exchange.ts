import type { Exchange, Failure } from './exchange.ts'
import type { Gateway } from './gateway.ts'

/**
 * Ends an exchange: exactly one closing record, whatever happened. `written` is called once the record is safe from a
 * crash; without it, that is when this returns.
 */
export function closeExchange(
  exchange: Exchange,
  gateway: Gateway,
  status: number,
  failure: Failure | null,
  written?: () => void,
): void {
  if (exchange.closed) return
  exchange.closed = true
  gateway.record(exchange.close(status, failure), written)
  gateway.inFlight.leave()
}

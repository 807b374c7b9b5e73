import type { Exchange, Failure } from './exchange.ts'
import type { Gateway } from './gateway.ts'

/** Ends an exchange: exactly one closing record, whatever happened. */
export function closeExchange(exchange: Exchange, gateway: Gateway, status: number, failure: Failure | null): void {
  if (exchange.closed) return
  exchange.closed = true
  gateway.record(exchange.close(status, failure))
  gateway.inFlight.leave()
}

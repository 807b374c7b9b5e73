import { type ErrorType, errorTable } from '../core/errors.ts'
import type { ExchangeClosed } from '../core/exchange.ts'

/** The failure of an exchange, `other` where one is missing or unknown; null when it went well. */
export function failureOf(exchange: Pick<ExchangeClosed, 'outcome' | 'errorType'>): ErrorType | null {
  if (exchange.outcome === 'ok') return null
  return exchange.errorType !== null && Object.hasOwn(errorTable, exchange.errorType) ? exchange.errorType : 'other'
}

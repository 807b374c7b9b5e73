import type { ExchangeFilter } from '../../core/recent-exchanges.ts'

export type { ExchangeFilter } from '../../core/recent-exchanges.ts'

const statusConditions = {
  failed: `outcome NOT IN ('ok', 'cancelled')`,
  '2xx': 'status_code BETWEEN 200 AND 299',
  '4xx': 'status_code BETWEEN 400 AND 499',
  '5xx': 'status_code >= 500',
} as const

/** The filter as SQL conditions; `place` takes a value and gives its parameter. */
export function exchangeConditions(filter: ExchangeFilter, place: (value: unknown) => string): string[] {
  const columns = [
    ['domain', filter.domain],
    ['account_id', filter.account],
    ['key_id', filter.keyId],
    ['provider', filter.provider],
    ['model', filter.model],
    ['session_id', filter.sessionId],
    ['error_type', filter.errorType],
    ['outcome', filter.outcome],
  ] as const
  const conditions = columns.flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${place(value)}`]))
  return filter.status === undefined ? conditions : [...conditions, statusConditions[filter.status]]
}

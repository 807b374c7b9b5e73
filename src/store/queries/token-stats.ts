import type { TokenStats, TokenSums } from '../../core/office.ts'
import type { Sql } from '../sql.ts'
import { sourceCondition } from './source-condition.ts'
import { type SumRow, type Sums, sumColumns, toSums } from './sums.ts'

/** Everything ever measured, by domain (contract A3). Read from the day rollups, so it survives restarts. */
export async function tokenStats(sql: Sql): Promise<TokenStats> {
  const rows = await sql.query<SumRow & { domain: string }>(
    'token-stats',
    `SELECT domain, ${sumColumns} FROM rollup_day WHERE ${sourceCondition()} GROUP BY domain ORDER BY domain`,
  )
  const domains = rows.map((row) => ({ domain: row.domain, sums: toSums(row) }))
  return {
    total_requests: domains.reduce((sum, { sums }) => sum + sums.requests, 0),
    total_tokens: add(domains.map(({ sums }) => toTokenSums(sums))),
    by_domain: Object.fromEntries(
      domains.map(({ domain, sums }) => [domain, { requests: sums.requests, tokens: toTokenSums(sums) }]),
    ),
  }
}

function toTokenSums({ tokens }: Sums): TokenSums {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = tokens
  return {
    input,
    output,
    total: input + output + cacheRead + cacheWrite5m + cacheWrite1h,
    cache_read: cacheRead,
    cache_write_5m: cacheWrite5m,
    cache_write_1h: cacheWrite1h,
  }
}

const add = (all: readonly TokenSums[]): TokenSums =>
  all.reduce(
    (sum, one) => ({
      input: sum.input + one.input,
      output: sum.output + one.output,
      total: sum.total + one.total,
      cache_read: sum.cache_read + one.cache_read,
      cache_write_5m: sum.cache_write_5m + one.cache_write_5m,
      cache_write_1h: sum.cache_write_1h + one.cache_write_1h,
    }),
    { input: 0, output: 0, total: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 },
  )

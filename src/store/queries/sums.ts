/** What every question about rollups selects, and how it comes back as numbers. */
export const sumColumns = `sum(requests) AS requests, coalesce(sum(requests) FILTER (WHERE outcome NOT IN ('ok', 'cancelled')), 0) AS errors,
  sum(input_tokens) AS input, sum(output_tokens) AS output, sum(cache_read_tokens) AS cache_read,
  sum(cache_write_5m_tokens) AS cache_write_5m, sum(cache_write_1h_tokens) AS cache_write_1h, sum(cost_usd) AS cost_usd`

/** PostgreSQL sends sums of bigint as text; ours stay far below 2^53. Null where no row was summed. */
export interface SumRow {
  readonly requests: string | null
  readonly errors: string | null
  readonly input: string | null
  readonly output: string | null
  readonly cache_read: string | null
  readonly cache_write_5m: string | null
  readonly cache_write_1h: string | null
  readonly cost_usd: string | null
}

export interface Sums {
  readonly requests: number
  readonly errors: number
  readonly tokens: {
    readonly input: number
    readonly output: number
    readonly cacheRead: number
    readonly cacheWrite5m: number
    readonly cacheWrite1h: number
  }
  readonly costUsd: number
}

export function toSums(row: SumRow): Sums {
  return {
    requests: Number(row.requests ?? 0),
    errors: Number(row.errors ?? 0),
    tokens: {
      input: Number(row.input ?? 0),
      output: Number(row.output ?? 0),
      cacheRead: Number(row.cache_read ?? 0),
      cacheWrite5m: Number(row.cache_write_5m ?? 0),
      cacheWrite1h: Number(row.cache_write_1h ?? 0),
    },
    costUsd: Number(row.cost_usd ?? 0),
  }
}

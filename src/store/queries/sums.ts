/** What every question about rollups selects, and how it comes back. */
export const sumColumns = `coalesce(sum(requests), 0) AS requests,
  coalesce(sum(requests) FILTER (WHERE outcome NOT IN ('ok', 'cancelled')), 0) AS errors,
  coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
  coalesce(sum(cache_read_tokens), 0) AS cache_read, coalesce(sum(cache_write_5m_tokens), 0) AS cache_write_5m,
  coalesce(sum(cache_write_1h_tokens), 0) AS cache_write_1h, coalesce(sum(reasoning_tokens), 0) AS reasoning,
  coalesce(sum(cost_usd), 0) AS cost_usd`

/** Sums of bigint and numeric come as numbers (see connectionConfig): ours stay below 2^53. */
export interface SumRow {
  readonly requests: number
  readonly errors: number
  readonly input: number
  readonly output: number
  readonly cache_read: number
  readonly cache_write_5m: number
  readonly cache_write_1h: number
  readonly reasoning: number
  readonly cost_usd: number
}

/** Of a range without calls. */
export const emptySums: SumRow = {
  requests: 0,
  errors: 0,
  input: 0,
  output: 0,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  reasoning: 0,
  cost_usd: 0,
}

export interface Sums {
  readonly requests: number
  /** Everything that did not end well, callers that left excepted. */
  readonly errors: number
  readonly tokens: {
    readonly input: number
    readonly output: number
    readonly cacheRead: number
    readonly cacheWrite5m: number
    readonly cacheWrite1h: number
  }
  /** A part of `tokens.output`, as far as providers tell. */
  readonly reasoningTokens: number
  readonly costUsd: number
}

/** The row of PostgreSQL, its numbers as numbers. */
export function toSums(row: SumRow): Sums {
  return {
    requests: row.requests,
    errors: row.errors,
    tokens: {
      input: row.input,
      output: row.output,
      cacheRead: row.cache_read,
      cacheWrite5m: row.cache_write_5m,
      cacheWrite1h: row.cache_write_1h,
    },
    reasoningTokens: row.reasoning,
    costUsd: row.cost_usd,
  }
}

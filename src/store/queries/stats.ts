import type { Sql } from '../sql.ts'
import { type HistogramRow, histogramColumns, percentilesOf } from './percentiles.ts'
import { coverRange, endToTell, type Held, rollupsOf, sourceOf } from './rollup-range.ts'
import { latencyCondition, type SourceFilter, sourceCondition } from './source-condition.ts'
import { emptySums, type SumRow, sumColumns, toSums } from './sums.ts'

/** Rows a list of the answer has at most. */
const listLimit = 50

export interface StatsQuestion {
  /** Epoch milliseconds, widened to whole minutes. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** Null for all. */
  readonly domain: string | null
  /** Default: `wire`. */
  readonly source?: SourceFilter
}

/** The main figures of a range, from rollups only. */
export async function stats(sql: Sql, question: StatsQuestion, held?: Held) {
  const spans = coverRange(question.from, question.to, held)
  const narrowed = {
    rollup: `${sourceCondition(question.source)} AND ($1::text IS NULL OR domain = $1)`,
    latency: `${latencyCondition(question.source)} AND ($1::text IS NULL OR domain = $1)`,
  }
  const ask = <R extends object>(name: string, family: 'rollup' | 'latency', text: (from: string) => string) => {
    const values: unknown[] = [question.domain]
    return sql.query<R>(name, text(rollupsOf(family, spans, values, narrowed[family])), values)
  }
  const [sums, latencies] = await Promise.all([
    ask<StatsRow>('stats', 'rollup', listsSql),
    ask<LatencyRow>('stats-latency', 'latency', latenciesSql),
  ])
  const of = (list: StatsRow['list']): StatsRow[] => sums.filter((row) => row.list === list)
  const [total] = of('total')
  const byDomain = of('domain')
  const byModel = of('model')
  const errors = of('error').filter((row) => row.error_type !== '')
  const all = latencies.find((row) => row.model === null)
  return {
    from: spans[0]?.from ?? question.from,
    to: endToTell(spans, question.to),
    source: sourceOf(spans),
    truncated: byDomain.length === listLimit || byModel.length === listLimit || errors.length === listLimit,
    total: toSums(total ?? emptySums),
    cancelled: total?.cancelled ?? 0,
    responseTimeMs: percentilesOf(all?.response_time),
    ttftMs: percentilesOf(all?.ttft),
    /** Requests by class of status: `2xx`, `4xx`, `5xx`. */
    byStatusClass: Object.fromEntries(of('status').map((row) => [`${row.status_class}xx`, row.requests])),
    byDomain: byDomain.map((row) => ({ domain: row.domain, ...toSums(row) })),
    byModel: byModel.map((row) => {
      const own = latencies.find((each) => each.provider === row.provider && each.model === row.model)
      return {
        provider: row.provider || null,
        model: row.model || null,
        ...toSums(row),
        responseTimeMs: percentilesOf(own?.response_time),
        ttftMs: percentilesOf(own?.ttft),
      }
    }),
    errorsByType: errors.map((row) => ({ errorType: row.error_type, requests: row.requests })),
  }
}

/** A row of one of the lists; the columns that are no name of that list are null. */
interface StatsRow extends SumRow {
  readonly list: 'total' | 'domain' | 'model' | 'status' | 'error'
  readonly domain: string
  readonly provider: string
  readonly model: string
  readonly status_class: number
  readonly error_type: string
  readonly cancelled: number
}

/** One row for all, with nulls for names, and one a model. */
interface LatencyRow extends HistogramRow {
  readonly provider: string | null
  readonly model: string | null
}

/**
 * All lists in one pass over the rollups, each cut to its longest rows. What no list tells apart is added up first, so that
 * the rows that five lists are made of are few.
 */
const listsSql = (from: string): string => `
  WITH grouped AS (
    SELECT domain, provider, model, status_code / 100 AS status_class, error_type, outcome, ${summed} FROM ${from} AS rows
    GROUP BY domain, provider, model, status_code / 100, error_type, outcome
  )
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY list ORDER BY requests DESC, domain, provider, model, error_type) AS place
    FROM (
      SELECT CASE grouping(domain, model, status_class, error_type)
          WHEN 7 THEN 'domain' WHEN 11 THEN 'model' WHEN 13 THEN 'status' WHEN 14 THEN 'error' ELSE 'total' END AS list,
        domain, provider, model, status_class, error_type, ${sumColumns},
        coalesce(sum(requests) FILTER (WHERE outcome = 'cancelled'), 0) AS cancelled
      FROM grouped
      GROUP BY GROUPING SETS ((), (domain), (provider, model), (status_class), (error_type))
    ) AS listed
  ) AS placed
  WHERE place <= ${listLimit} ORDER BY list, place`

const summed = [
  'requests',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
  'cost_usd',
]
  .map((column) => `sum(${column}) AS ${column}`)
  .join(', ')

const latenciesSql = (from: string): string => `
  SELECT provider, model, ${histogramColumns} FROM ${from} AS histograms GROUP BY GROUPING SETS ((), (provider, model))`

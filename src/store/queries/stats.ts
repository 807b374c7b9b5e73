import type { Sql } from '../sql.ts'
import { type PercentileRow, percentilesOf, percentilesSql } from './percentiles.ts'
import { coverRange, rollupsOf, sourceOf } from './rollup-range.ts'
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
export async function stats(sql: Sql, question: StatsQuestion) {
  const spans = coverRange(question.from, question.to)
  const narrowed = {
    rollup: `${sourceCondition(question.source)} AND ($1::text IS NULL OR domain = $1)`,
    latency: `${latencyCondition(question.source)} AND ($1::text IS NULL OR domain = $1)`,
  }
  const ask = <R extends object>(name: string, family: 'rollup' | 'latency', text: (from: string) => string) => {
    const values: unknown[] = [question.domain]
    return sql.query<R>(name, text(rollupsOf(family, spans, values, narrowed[family])), values)
  }
  const [totals, byDomain, byModel, byStatus, errors, latencies, modelLatencies] = await Promise.all([
    ask<SumRow & { cancelled: number }>(
      'stats-total',
      'rollup',
      (from) =>
        `SELECT ${sumColumns}, coalesce(sum(requests) FILTER (WHERE outcome = 'cancelled'), 0) AS cancelled FROM ${from} AS sums`,
    ),
    ask<SumRow & { domain: string }>(
      'stats-by-domain',
      'rollup',
      (from) =>
        `SELECT domain, ${sumColumns} FROM ${from} AS sums GROUP BY domain ORDER BY sum(requests) DESC, domain LIMIT ${listLimit}`,
    ),
    ask<SumRow & { provider: string; model: string }>(
      'stats-by-model',
      'rollup',
      (from) =>
        `SELECT provider, model, ${sumColumns} FROM ${from} AS sums GROUP BY provider, model ORDER BY sum(requests) DESC, model LIMIT ${listLimit}`,
    ),
    ask<{ class: number; requests: number }>(
      'stats-by-status',
      'rollup',
      (from) =>
        `SELECT status_code / 100 AS class, sum(requests) AS requests FROM ${from} AS sums GROUP BY 1 ORDER BY 1`,
    ),
    ask<{ error_type: string; requests: number }>(
      'stats-errors',
      'rollup',
      (from) =>
        `SELECT error_type, sum(requests) AS requests FROM ${from} AS sums WHERE error_type <> '' GROUP BY error_type ORDER BY 2 DESC, 1 LIMIT ${listLimit}`,
    ),
    ask<PercentileRow>('stats-latency', 'latency', (from) => percentilesSql(from, [])),
    ask<PercentileRow & { provider: string; model: string }>('stats-latency-by-model', 'latency', (from) =>
      percentilesSql(from, [
        { name: 'provider', sql: 'provider' },
        { name: 'model', sql: 'model' },
      ]),
    ),
  ])
  const [total] = totals
  return {
    from: spans[0]?.from ?? question.from,
    to: question.to,
    completeTo: null,
    source: sourceOf(spans),
    truncated: byDomain.length === listLimit || byModel.length === listLimit || errors.length === listLimit,
    total: toSums(total ?? emptySums),
    cancelled: total?.cancelled ?? 0,
    responseTimeMs: percentilesOf(latencies, 'total'),
    ttftMs: percentilesOf(latencies, 'ttft'),
    /** Requests by class of status: `2xx`, `4xx`, `5xx`. */
    byStatusClass: Object.fromEntries(byStatus.map((row) => [`${row.class}xx`, row.requests])),
    byDomain: byDomain.map((row) => ({ domain: row.domain, ...toSums(row) })),
    byModel: byModel.map((row) => {
      const own = modelLatencies.filter((each) => each.provider === row.provider && each.model === row.model)
      return {
        provider: row.provider || null,
        model: row.model || null,
        ...toSums(row),
        responseTimeMs: percentilesOf(own, 'total'),
        ttftMs: percentilesOf(own, 'ttft'),
      }
    }),
    errorsByType: errors.map((row) => ({ errorType: row.error_type, requests: row.requests })),
  }
}

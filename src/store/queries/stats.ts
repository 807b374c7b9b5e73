import { floorTo, tierFor } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { percentilesOf, type SlotRow } from './percentiles.ts'
import { type SumRow, sumColumns, toSums } from './sums.ts'

/** Rows a list of the answer has at most. */
const listLimit = 50

/** The main figures of a range `[from, to)`, in epoch milliseconds; `domain` narrows it. */
export async function stats(
  sql: Sql,
  question: { readonly from: number; readonly to: number; readonly domain: string | null },
) {
  const tier = tierFor(question.from, question.to)
  const from = floorTo(tier, question.from)
  const values = [from, new Date(question.to), question.domain]
  const where = 'WHERE bucket >= $1 AND bucket < $2 AND ($3::text IS NULL OR domain = $3)'
  const table = `rollup_${tier.name} ${where}`
  const [totals, byDomain, byModel, errors, slots] = await Promise.all([
    sql.query<SumRow & { cancelled: string | null }>(
      'stats-total',
      `SELECT ${sumColumns}, coalesce(sum(requests) FILTER (WHERE outcome = 'cancelled'), 0) AS cancelled FROM ${table}`,
      values,
    ),
    sql.query<SumRow & { domain: string }>(
      'stats-by-domain',
      `SELECT domain, ${sumColumns} FROM ${table} GROUP BY domain ORDER BY sum(requests) DESC LIMIT ${listLimit}`,
      values,
    ),
    sql.query<SumRow & { provider: string; model: string }>(
      'stats-by-model',
      `SELECT provider, model, ${sumColumns} FROM ${table} GROUP BY provider, model ORDER BY sum(requests) DESC LIMIT ${listLimit}`,
      values,
    ),
    sql.query<{ error_type: string; requests: string }>(
      'stats-errors',
      `SELECT error_type, sum(requests) AS requests FROM ${table} AND error_type <> '' GROUP BY error_type ORDER BY 2 DESC LIMIT ${listLimit}`,
      values,
    ),
    sql.query<SlotRow>(
      'stats-latency',
      `SELECT kind, slot, sum(requests) AS requests FROM latency_${tier.name} ${where} GROUP BY kind, slot ORDER BY slot`,
      values,
    ),
  ])
  const [total] = totals
  return {
    from: from.getTime(),
    to: question.to,
    completeTo: null,
    source: `rollup_${tier.name}`,
    truncated: byDomain.length === listLimit || byModel.length === listLimit,
    total: toSums(total ?? emptySums),
    cancelled: Number(total?.cancelled ?? 0),
    responseTimeMs: percentilesOf(slots, 'total'),
    ttftMs: percentilesOf(slots, 'ttft'),
    byDomain: byDomain.map((row) => ({ domain: row.domain, ...toSums(row) })),
    byModel: byModel.map((row) => ({ provider: row.provider || null, model: row.model || null, ...toSums(row) })),
    errorsByType: errors.map((row) => ({ errorType: row.error_type, requests: Number(row.requests) })),
  }
}

const emptySums: SumRow = {
  requests: null,
  errors: null,
  input: null,
  output: null,
  cache_read: null,
  cache_write_5m: null,
  cache_write_1h: null,
  cost_usd: null,
}

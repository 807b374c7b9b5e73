import { tierForStep } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { type HistogramRow, histogramColumns, percentilesOf } from './percentiles.ts'
import { latencyCondition, type SourceFilter, sourceCondition } from './source-condition.ts'
import { type SumRow, sumColumns, toSums } from './sums.ts'

/** No chart draws more; the API chooses steps that stay below. */
const pointLimit = 1_000

export interface TimelineQuestion {
  /** Epoch milliseconds, moved back to the start of its step. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** Null for all. */
  readonly domain: string | null
  /** A whole number of minutes, hours or days. */
  readonly stepMs: number
  /** Default: `wire`. */
  readonly source?: SourceFilter
}

/** One point for each step with traffic, ascending, from the coarsest rollups whose buckets fill the step. */
export async function timeline(sql: Sql, question: TimelineQuestion) {
  const { stepMs, to, domain, source } = question
  const tier = tierForStep(stepMs)
  const from = Math.floor(question.from / stepMs) * stepMs
  const values = [new Date(from), new Date(to), domain, `${stepMs} milliseconds`]
  const step = `date_bin($4::interval, bucket, 'epoch'::timestamptz)`
  const where = 'WHERE bucket >= $1 AND bucket < $2 AND ($3::text IS NULL OR domain = $3)'
  const [rows, latencies] = await Promise.all([
    sql.query<SumRow & { at: Date }>(
      'timeline',
      `SELECT ${step} AS at, ${sumColumns} FROM rollup_${tier.name} ${where} AND ${sourceCondition(source)} GROUP BY 1 ORDER BY 1 LIMIT ${pointLimit}`,
      values,
    ),
    sql.query<HistogramRow & { at: Date }>(
      'timeline-latency',
      `SELECT ${step} AS at, ${histogramColumns} FROM latency_${tier.name} ${where} AND ${latencyCondition(source)}
       GROUP BY 1 ORDER BY 1 LIMIT ${pointLimit}`,
      values,
    ),
  ])
  const latenciesAt = new Map(latencies.map((row) => [row.at.getTime(), row]))
  return {
    from,
    to,
    source: `rollup_${tier.name}`,
    truncated: rows.length === pointLimit,
    points: rows.map((row) => {
      const own = latenciesAt.get(row.at.getTime())
      return {
        at: row.at.getTime(),
        responseTimeP95Ms: percentilesOf(own?.response_time).p95,
        ttftP95Ms: percentilesOf(own?.ttft).p95,
        ...toSums(row),
      }
    }),
  }
}

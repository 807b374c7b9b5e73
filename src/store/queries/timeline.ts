import { dayTier, hourTier, minuteTier, tierForStep } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { type HistogramRow, histogramColumns, percentilesOf } from './percentiles.ts'
import { type Held, heldForGood } from './rollup-range.ts'
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

/**
 * One point for each step with traffic, ascending, from the coarsest rollups whose buckets fill the step. The step is the
 * one that was asked for, or a longer one where the range reaches back to a time whose finer sums may be gone.
 */
export async function timeline(sql: Sql, question: TimelineQuestion, held: Held = heldForGood) {
  const { domain, source } = question
  const stepMs = stepOf(question, held)
  const to = stepMs === question.stepMs ? question.to : Math.ceil(question.to / stepMs) * stepMs
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
    stepMs,
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

/** A whole hour instead of minutes, a whole day instead of hours, when the range begins before those are held. */
function stepOf({ from, stepMs }: TimelineQuestion, held: Held): number {
  const hour = tierForStep(stepMs) === minuteTier && from < held.minute ? hourTier.stepMs : stepMs
  return tierForStep(hour) === hourTier && from < held.hour ? dayTier.stepMs : hour
}

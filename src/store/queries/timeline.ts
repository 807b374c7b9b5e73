import { floorTo, tierForStep } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { percentilesOf, type SlotRow } from './percentiles.ts'
import { type SumRow, sumColumns, toSums } from './sums.ts'

const pointLimit = 1_000

/** One point for each step with traffic, ascending. `stepMs` is a whole number of minutes, hours or days. */
export async function timeline(
  sql: Sql,
  question: { readonly from: number; readonly to: number; readonly domain: string | null; readonly stepMs: number },
) {
  const tier = tierForStep(question.stepMs)
  const from = floorTo(tier, question.from)
  const values = [from, new Date(question.to), question.domain, `${question.stepMs} milliseconds`]
  const step = `date_bin($4::interval, bucket, 'epoch'::timestamptz)`
  const where = 'WHERE bucket >= $1 AND bucket < $2 AND ($3::text IS NULL OR domain = $3)'
  const [rows, slots] = await Promise.all([
    sql.query<SumRow & { at: Date }>(
      'timeline',
      `SELECT ${step} AS at, ${sumColumns} FROM rollup_${tier.name} ${where} GROUP BY 1 ORDER BY 1 LIMIT ${pointLimit}`,
      values,
    ),
    sql.query<SlotRow & { at: Date }>(
      'timeline-latency',
      `SELECT ${step} AS at, kind, slot, sum(requests) AS requests FROM latency_${tier.name} ${where} GROUP BY 1, 2, 3 ORDER BY 1`,
      values,
    ),
  ])
  const slotsAt = groupBy(slots)
  return {
    from: from.getTime(),
    to: question.to,
    completeTo: null,
    source: `rollup_${tier.name}`,
    truncated: rows.length === pointLimit,
    points: rows.map((row) => {
      const own = slotsAt.get(row.at.getTime()) ?? []
      return {
        at: row.at.getTime(),
        responseTimeP95Ms: percentilesOf(own, 'total').p95,
        ttftP95Ms: percentilesOf(own, 'ttft').p95,
        ...toSums(row),
      }
    }),
  }
}

/** `Map.groupBy` needs Node 21; 20 has to do. */
function groupBy<R extends { readonly at: Date }>(rows: readonly R[]): Map<number, R[]> {
  const groups = new Map<number, R[]>()
  for (const row of rows) {
    const group = groups.get(row.at.getTime())
    if (group === undefined) groups.set(row.at.getTime(), [row])
    else group.push(row)
  }
  return groups
}

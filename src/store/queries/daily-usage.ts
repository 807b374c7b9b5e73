import type { Sql } from '../sql.ts'
import { type SourceFilter, sourceCondition } from './source-condition.ts'
import { emptySums, type SumRow, sumColumns, toSums } from './sums.ts'

const rowLimit = 5_000
const dayMs = 86_400_000

type EmptyDay = SumRow & { readonly date: string; readonly domain?: string; readonly model?: string }

/** Usage by day (UTC), one row a day when aggregated, else one per day, domain and model (contract A6). */
export async function dailyUsage(
  sql: Sql,
  question: {
    readonly from: number
    readonly to: number
    readonly account: string | null
    readonly aggregate: boolean
    /** Default: `wire`. */
    readonly source?: SourceFilter
  },
) {
  const from = new Date(Math.floor(question.from / dayMs) * dayMs)
  const by = question.aggregate ? '' : ', domain, model'
  const rows = await sql.query<SumRow & { date: string; domain?: string; model?: string }>(
    'daily-usage',
    // Days become text after all rows have become few: as a text they are slow to make and slow to sort.
    `SELECT to_char(bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date, days.* FROM (
       SELECT bucket${by}, ${sumColumns} FROM rollup_day
       WHERE bucket >= $1 AND bucket < $2 AND ($3::text IS NULL OR account_id = $3)
         AND ${sourceCondition(question.source)}
       GROUP BY bucket${by} ORDER BY bucket DESC${by} LIMIT ${rowLimit}) AS days
     ORDER BY bucket DESC${by}`,
    [from, new Date(question.to), question.account],
  )
  return {
    from: from.getTime(),
    to: question.to,
    source: 'rollup_day',
    truncated: rows.length === rowLimit,
    rows: (question.aggregate ? everyDay(rows, from.getTime(), question.to) : rows).map((row) => {
      const { requests, tokens, costUsd } = toSums(row)
      return {
        date: row.date,
        ...(row.domain !== undefined && { domain: row.domain, model: row.model || null }),
        requests,
        tokens,
        costUsd,
      }
    }),
  }
}

/** A day without traffic is a row of zeros, so that thirty days are thirty rows; newest first. */
function everyDay<R extends SumRow & { date: string }>(rows: readonly R[], from: number, to: number): (R | EmptyDay)[] {
  const byDate = new Map(rows.map((row) => [row.date, row]))
  const days: (R | EmptyDay)[] = []
  for (let at = from; at < to; at += dayMs) {
    const date = new Date(at).toISOString().slice(0, 10)
    days.push(byDate.get(date) ?? { ...emptySums, date })
  }
  return days.reverse()
}

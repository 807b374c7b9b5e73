import { dayTier, hourTier } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { type ExchangeFilter, exchangeConditions } from './exchange-filter.ts'
import { type SourceFilter, sourceCondition } from './source-condition.ts'

/** An hour (UTC) that has matches, by its start in epoch milliseconds, and how many at most. */
export interface MatchingHour {
  readonly start: number
  readonly requests: number
}

/** Hours to look into, newest first; what lies before `searchedFrom` was not looked at yet. */
export interface MatchingHours {
  readonly hours: readonly MatchingHour[]
  readonly searchedFrom: number
}

/** True where the rollups can tell whether rows match: not of a session, and a domain alone has an index of its own. */
export function rollupsTell({ domain: _, sessionId, ...others }: ExchangeFilter): boolean {
  return sessionId === undefined && Object.values(others).some((value) => value !== undefined)
}

/**
 * The newest hours of a range in which `wanted` rows match, as far as rollups can tell: first the days that promise them,
 * then the hours of those. So a filter that matches little or nothing does not read every row of the range to find out.
 */
export async function matchingHours(
  sql: Sql,
  range: { readonly from: number; readonly to: number },
  filter: ExchangeFilter,
  source: SourceFilter | undefined,
  wanted: number,
): Promise<MatchingHours> {
  const values: unknown[] = []
  const place = (value: unknown): string => `$${values.push(value)}`
  // Rollups keep the first hundred characters of a model, and name the model asked for where none answered: their count is
  // never too low.
  const narrowed = exchangeConditions({ ...filter, ...(filter.model && { model: filter.model.slice(0, 100) }) }, place)
  const conditions = [sourceCondition(source), ...narrowed].join(' AND ')
  const dayFrom = place(new Date(Math.floor(range.from / dayTier.stepMs) * dayTier.stepMs))
  const hourFrom = place(new Date(Math.floor(range.from / hourTier.stepMs) * hourTier.stepMs))
  const to = place(new Date(range.to))
  const rows = await sql.query<{ bucket: Date | null; requests: number; day: Date; is_last: boolean }>(
    'matching-hours',
    `WITH days AS MATERIALIZED (
       SELECT *, row_number() OVER (ORDER BY bucket) = 1 AS is_last FROM (
         SELECT bucket, sum(sum(requests)) OVER (ORDER BY bucket DESC) - sum(requests) AS newer FROM rollup_day
         WHERE bucket >= ${dayFrom} AND bucket < ${to} AND ${conditions} GROUP BY bucket) AS all_days),
     enough AS MATERIALIZED (SELECT * FROM days WHERE newer < ${place(wanted)})
     SELECT hours.bucket, hours.requests, enough.bucket AS day, enough.is_last
     FROM enough LEFT JOIN LATERAL (
       SELECT bucket, sum(requests) AS requests FROM rollup_hour
       WHERE bucket >= greatest(enough.bucket, ${hourFrom}) AND bucket < least(enough.bucket + interval '1 day', ${to})
         AND ${conditions}
       GROUP BY bucket) AS hours ON true
     ORDER BY enough.bucket DESC, hours.bucket DESC`,
    values,
  )
  // A day may match in hours outside of the range alone, and days before it all the same.
  const oldest = rows.at(-1)
  return {
    hours: rows.flatMap(({ bucket, requests }) => (bucket === null ? [] : { start: bucket.getTime(), requests })),
    searchedFrom: oldest === undefined || oldest.is_last ? range.from : Math.max(range.from, oldest.day.getTime()),
  }
}

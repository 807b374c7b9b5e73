import { checkSpan } from '../../contract/scalars.ts'
import { type TimelinePoint, timeline, timelinePointsLimit, timelineSpanDays } from '../../contract/timeline.ts'
import { jsonReply } from '../http.ts'
import { cacheHitRatio, iso, presentRange, presentTokens } from '../present.ts'
import type { TimelineAnswer } from '../queries.ts'
import type { ResourceTools } from '../resource-tools.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Steps people can read off an axis; each divides a day or is whole days. */
const stepsMs = [1, 2, 5, 10, 15, 30]
  .map((minutes) => minutes * minuteMs)
  .concat([1, 2, 3, 6, 12].map((hours) => hours * hourMs))
  .concat([1, 2, 7, 14, 28].map((days) => days * dayMs))

/** `GET /api/timeline`: rollups only, so its cost does not depend on the traffic. */
export function timelineRoutes({ bind, queries, share, refuseSpan, completeTo }: ResourceTools) {
  return [
    bind(timeline, async ({ query }) => {
      refuseSpan(checkSpan(query.from, query.to, timelineSpanDays, ['from', 'to']))
      const stepMs = chooseStep(query.to - query.from, query.width)
      const from = Math.floor(query.from / stepMs) * stepMs
      const to = Math.ceil(query.to / stepMs) * stepMs
      const domain = query.domain ?? null
      const { source } = query
      const answer = await share(timeline, { from, to, stepMs, domain, source }, () =>
        queries.timeline({ from, to, domain, stepMs, source }),
      )
      return jsonReply({
        ...presentRange(answer, completeTo()),
        step_seconds: (answer.stepMs ?? stepMs) / 1000,
        points: fill(answer, answer.stepMs ?? stepMs),
      })
    }),
  ]
}

/**
 * The smallest step that needs no more points than the drawing has pixels, and never more than the limit. Long ranges have
 * coarse steps even where there is room for finer ones: a step is summed from rollups of the minute, the hour or the day,
 * and a chart must be there at once, also over ten million calls (300 ms; see bench/ledger).
 */
export function chooseStep(spanMs: number, width: number): number {
  const points = Math.min(width, timelinePointsLimit)
  const finest = spanMs > 14 * dayMs ? dayMs : spanMs > 36 * hourMs ? hourMs : minuteMs
  // One more than the quotient, because both ends are rounded outwards.
  return stepsMs.find((step) => step >= finest && Math.ceil(spanMs / step) + 1 <= points) ?? 28 * dayMs
}

/** Steps without traffic are points too: counts are 0 there, ratios and percentiles are missing. */
function fill(answer: TimelineAnswer, stepMs: number): TimelinePoint[] {
  const known = new Map(answer.points.map((point) => [point.at, point]))
  const points: TimelinePoint[] = []
  for (let at = answer.from; at < answer.to; at += stepMs) {
    const point = known.get(at)
    const buckets = point?.tokens ?? { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }
    points.push({
      at: iso(at),
      requests: point?.requests ?? 0,
      errors: point?.errors ?? 0,
      tokens: presentTokens(buckets),
      cost_usd: point?.costUsd ?? 0,
      cache_hit_ratio: cacheHitRatio(buckets),
      response_time_p95_ms: point?.responseTimeP95Ms ?? null,
      ttft_p95_ms: point?.ttftP95Ms ?? null,
    })
  }
  return points
}

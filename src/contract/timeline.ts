import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { instant, integer, isoTime, name, rangeFacts, source, tokens } from './scalars.ts'

export const timelineSpanDays = 400
/** More points than this no screen shows. */
export const timelinePointsLimit = 400

/** Counts and sums are 0 where nothing happened; ratios and percentiles are null there, which breaks the line. */
export const timelinePoint = z.object({
  /** Start of the step. */
  at: isoTime,
  requests: z.number(),
  errors: z.number(),
  tokens,
  cost_usd: z.number(),
  cache_hit_ratio: z.number().nullable(),
  response_time_p95_ms: z.number().nullable(),
  ttft_p95_ms: z.number().nullable(),
})

export const timeline = defineEndpoint({
  method: 'GET',
  path: '/api/timeline',
  auth: 'key',
  summary: 'The main figures over time; the server chooses the step.',
  query: z.strictObject({
    from: instant,
    to: instant,
    domain: name.optional(),
    source,
    /** Width of the drawing in pixels: no more points than that are sent. */
    width: integer(10, 10_000).default(timelinePointsLimit),
  }),
  response: z.object({ ...rangeFacts, step_seconds: z.number(), points: z.array(timelinePoint) }),
})

export type TimelinePoint = z.infer<typeof timelinePoint>
export type Timeline = z.infer<typeof timeline.response>

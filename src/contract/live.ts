/** What is happening now: the state to start from, and the events that change it. */
import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { exchangeSummary, openExchange } from './exchange.ts'
import { isoTime } from './scalars.ts'

/** The last minute, told at most once a second. */
export const figures = z.object({
  at: isoTime,
  open: z.number(),
  requests_last_minute: z.number(),
  failed_last_minute: z.number(),
  tokens_last_minute: z.number(),
  cost_usd_last_minute: z.number(),
  /** Finished exchanges since the dashboard process started. */
  finished_total: z.number(),
  /** Events of the last second that were not sent one by one because there were too many: read `/api/live` again. */
  skipped_events: z.number(),
})

export const live = defineEndpoint({
  method: 'GET',
  path: '/api/live',
  auth: 'key',
  summary: 'Exchanges that are open now, the latest finished ones, and the figures of the last minute.',
  response: z.object({
    at: isoTime,
    /** Oldest first, at most 200; `open_total` is how many there are. */
    open: z.array(openExchange),
    open_total: z.number(),
    truncated: z.boolean(),
    recent: z.array(exchangeSummary),
    figures,
    /** The event to continue from, as `Last-Event-ID`. */
    last_event_id: z.string(),
    dashboard_clients: z.number(),
  }),
})

/** The events of `/api/sse` by name; each `data` is one JSON object, each `id` can be sent back as `Last-Event-ID`. */
export const liveEvents = {
  /** First on every connection. `resumed: false` means events may be missing: read `/api/live` again. */
  hello: z.object({ at: isoTime, resumed: z.boolean(), version: z.string() }),
  opened: openExchange,
  exchange: exchangeSummary,
  figures,
  /** The session ended or the key changed; the stream closes after it. */
  goodbye: z.object({ reason: z.enum(['shutting_down', 'session_expired']) }),
} as const

export type LiveEventName = keyof typeof liveEvents
export type LiveEvent = {
  [Name in LiveEventName]: { readonly name: Name; readonly data: z.infer<(typeof liveEvents)[Name]> }
}[LiveEventName]

export const sse = defineEndpoint({
  method: 'GET',
  path: '/api/sse',
  auth: 'key',
  summary: 'Server-sent events: opened, exchange, figures. Resumes with `Last-Event-ID`.',
  // A stream, so what is described is the data of one event.
  response: z.union([liveEvents.hello, openExchange, exchangeSummary, figures, liveEvents.goodbye]),
})

export type Figures = z.infer<typeof figures>
export type Live = z.infer<typeof live.response>

import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { exchangeDetail, exchangeSummary, outcomes } from './exchange.ts'
import { instant, integer, isoTime, name, source } from './scalars.ts'

export const requestsSpanDays = 35
export const requestsPageLimit = 200

/** `failed` is everything that did not end well; the others are the first digit of the status. */
export const statusFilters = ['failed', '2xx', '4xx', '5xx'] as const

export const requestFilters = {
  domain: name.optional(),
  accountId: name.optional(),
  keyId: name.optional(),
  provider: name.optional(),
  model: name.optional(),
  sessionId: name.optional(),
  errorType: name.optional(),
  outcome: z.enum(outcomes).optional(),
  status: z.enum(statusFilters).optional(),
}

export const requests = defineEndpoint({
  method: 'GET',
  path: '/api/requests',
  auth: 'key',
  summary: 'Finished exchanges of a time window, newest first, a page at a time.',
  query: z.strictObject({
    from: instant,
    to: instant,
    /** `next_cursor` of the page before. */
    cursor: z.string().max(200).optional(),
    limit: integer(1, requestsPageLimit).default(50),
    source,
    ...requestFilters,
  }),
  response: z.object({
    from: isoTime,
    to: isoTime,
    source: z.string(),
    requests: z.array(exchangeSummary),
    /** Null on the last page. */
    next_cursor: z.string().nullable(),
    truncated: z.boolean(),
  }),
})

export const request = defineEndpoint({
  method: 'GET',
  path: '/api/requests/:id',
  auth: 'key',
  summary: 'One exchange with its receipt.',
  response: exchangeDetail,
})

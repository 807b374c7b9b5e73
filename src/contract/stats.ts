import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { instant, name, rangeFacts, source, tokens } from './scalars.ts'

/** The longest range of `/api/stats`. */
export const statsSpanDays = 400

const percentiles = z.object({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() })

const share = { requests: z.number(), errors: z.number(), tokens, cost_usd: z.number() }

/** Contract A4: the figures of the last 24 hours unless `since` and `until` say otherwise. */
export const stats = defineEndpoint({
  method: 'GET',
  path: '/api/stats',
  auth: 'key',
  summary: 'Requests, errors, tokens, cost and latency of a range (default: the last 24 hours).',
  query: z.strictObject({ since: instant.optional(), until: instant.optional(), domain: name.optional(), source }),
  response: z.object({
    ...rangeFacts,
    domain: z.string().nullable(),
    total_requests: z.number(),
    /** Requests that did not end well for whatever reason, callers that left excepted. */
    failed_requests: z.number(),
    cancelled_requests: z.number(),
    /** `failed_requests / total_requests`; null without requests. */
    error_rate: z.number().nullable(),
    requests_per_minute: z.number(),
    total_tokens: tokens,
    /** Prompt tokens read from a cache over all prompt tokens; null without prompt tokens. */
    cache_hit_ratio: z.number().nullable(),
    cost_usd: z.number(),
    response_time_ms: percentiles,
    ttft_ms: percentiles,
    by_domain: z.array(z.object({ domain: z.string(), ...share })),
    by_model: z.array(
      z.object({
        provider: z.string().nullable(),
        model: z.string().nullable(),
        ...share,
        response_time_ms: percentiles,
      }),
    ),
    errors_by_type: z.array(z.object({ error_type: z.string(), requests: z.number() })),
  }),
})

export type Stats = z.infer<typeof stats.response>

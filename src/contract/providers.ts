import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'

/** Verdicts of a check; `core/provider-health.ts` has the same words. */
export const checkStatuses = [
  ...(['ok', 'key_refused', 'no_credit', 'rate_limited', 'wrong_address', 'unreachable'] as const),
  ...(['timeout', 'failing'] as const),
] as const

const check = z.object({
  status: z.enum(checkStatuses),
  http_status: z.number().nullable(),
  latency_ms: z.number(),
  checked_at: z.string(),
  /** What is wrong and what to do; empty where all is well. */
  advice: z.string(),
})

const target = z.object({
  /** The model as its provider names it; `*` for whichever was asked for. */
  model: z.string(),
  /** `null` where no worker holds the target at the moment. */
  breaker: z.enum(['closed', 'open', 'half-open']).nullable(),
  /** The provider asked for a pause, and calls are kept away until then. */
  resting: z.boolean(),
  in_flight: z.number(),
  /** The last calls, at most 100. */
  calls: z.number(),
  failures: z.number(),
  /** `1 - failures / calls`; null without calls. */
  success_rate: z.number().nullable(),
  /** Median of the time that the provider took for those that went well. */
  median_ms: z.number().nullable(),
  last_call_at: z.string().nullable(),
  last_error: z.object({ type: z.string(), at: z.string() }).nullable(),
})

const provider = z.object({
  name: z.string(),
  type: z.string(),
  dialect: z.string(),
  /** Scheme, host and port; null where none is known. */
  address: z.string().nullable(),
  is_default: z.boolean(),
  /** False where something is missing. */
  offered: z.boolean(),
  /** The setting that is missing; null where it is offered. */
  missing: z.string().nullable(),
  /** `down`: the check failed, or every target's breaker is open. `unknown`: neither traffic nor a check so far. */
  health: z.enum(['ok', 'degraded', 'down', 'unknown', 'not_offered']),
  check: check.nullable(),
  targets: z.array(target),
})

/** Contract B10: how each provider is, by real traffic and by checks that cost no tokens. */
export const providers = defineEndpoint({
  method: 'GET',
  path: '/api/providers',
  auth: 'key',
  summary: 'How each provider is: what its traffic shows, and the last check, which costs no tokens.',
  response: z.object({ providers: z.array(provider) }),
})

/** Checks all that are offered, now. */
export const checkProviders = defineEndpoint({
  method: 'POST',
  path: '/api/providers/check',
  auth: 'key',
  summary: 'Checks every offered provider now with calls that cost no tokens; the answer is that of /api/providers.',
  response: providers.response,
})

export type Providers = z.infer<typeof providers.response>
export type ProviderReport = Providers['providers'][number]

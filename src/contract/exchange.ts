/** An exchange as the API shows it: one line of a list, the whole receipt, and one that is still open. */
import * as z from 'zod'
import { exchangeSources, isoTime, tokens } from './scalars.ts'

export const outcomes = [
  'ok',
  'caller_error',
  'policy_refused',
  'provider_error',
  'gateway_error',
  'cancelled',
  'interrupted',
] as const

/** Whose fault an error is; the first word of its type. */
export const faults = ['caller', 'policy', 'provider', 'gateway'] as const

export const exchangeSummary = z.object({
  /** Also sent to the caller as `x-signalbox-request-id`. */
  id: z.string(),
  opened_at: isoTime,
  closed_at: isoTime,
  domain: z.string(),
  account_id: z.string().nullable(),
  key_id: z.string().nullable(),
  provider: z.string().nullable(),
  /** The model that answered; where none did, the one that was asked for. */
  model: z.string().nullable(),
  requested_model: z.string().nullable(),
  endpoint: z.string(),
  streaming: z.boolean(),
  status_code: z.number(),
  outcome: z.enum(outcomes),
  error_type: z.string().nullable(),
  fault: z.enum(faults).nullable(),
  /** Null where an import can not tell; so is `overhead_ms`. */
  response_time_ms: z.number().nullable(),
  ttft_ms: z.number().nullable(),
  overhead_ms: z.number().nullable(),
  attempts: z.number(),
  tokens,
  cost_usd: z.number(),
  price_source: z.string(),
  /** `reported`, `partial` (the stream was cut), `estimated`, or `none`. */
  usage_source: z.string(),
  source: z.enum(exchangeSources),
  session_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  /** The rule that chose the target; null where nothing but the default was asked. */
  route: z.string().nullable(),
})

export const exchangeRouting = z.object({
  /** The rule's name; `explicit` (the caller named the provider), `alias` or `default` where none claimed the call. */
  rule: z.string(),
  /** `provider/model`; `*` is the model as it was asked for. */
  target: z.string().nullable(),
  /** Targets that did not answer or were passed over, in order, each with the reason after its last colon. */
  tried: z.array(z.string()),
  /** The session's call before went elsewhere: what was cached there had to be read in anew. */
  moved: z
    .object({
      from: z.string(),
      /** Prompt tokens of this call that no cache held: written to one, or read at the full price. */
      cache_write_tokens: z.number(),
      uncached_input_tokens: z.number(),
    })
    .nullable(),
  /** What a translation did not carry as it was: `dropped:top_k`. */
  translation_notes: z.array(z.string()),
})

export const exchangeDetail = exchangeSummary.extend({
  method: z.string(),
  path: z.string(),
  error_message: z.string().nullable(),
  /** What the error means and whether trying again can help, from the table of errors. */
  error_meaning: z.string().nullable(),
  error_retry: z.enum(['never', 'elsewhere', 'later']).nullable(),
  failed_after_first_byte: z.boolean(),
  upstream_status: z.number().nullable(),
  upstream_request_id: z.string().nullable(),
  upstream_ms: z.number().nullable(),
  stop_reason: z.string().nullable(),
  /** Part of `tokens.output`, never added to it; null where the provider does not tell. */
  reasoning_tokens: z.number().nullable(),
  usage_flags: z.array(z.string()),
  web_searches: z.number().nullable(),
  service_tier: z.string().nullable(),
  speed: z.string().nullable(),
  inference_geo: z.string().nullable(),
  parent_agent_id: z.string().nullable(),
  request_bytes: z.number(),
  response_bytes: z.number(),
  /** Why it went where it went; null where nothing but the default was asked. */
  routing: exchangeRouting.nullable(),
})

export const openExchange = z.object({
  id: z.string(),
  opened_at: isoTime,
  domain: z.string(),
  account_id: z.string().nullable(),
  provider: z.string().nullable(),
  requested_model: z.string().nullable(),
  endpoint: z.string(),
  streaming: z.boolean(),
  session_id: z.string().nullable(),
  request_bytes: z.number(),
  /** Four bytes a token; the true count comes with the answer. */
  estimated_input_tokens: z.number(),
})

export type ExchangeSummary = z.infer<typeof exchangeSummary>
export type ExchangeDetail = z.infer<typeof exchangeDetail>
export type OpenExchange = z.infer<typeof openExchange>

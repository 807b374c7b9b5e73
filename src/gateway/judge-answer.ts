import { type ErrorType, errorTable } from '../core/errors.ts'
import { withoutSecrets } from '../core/without-secrets.ts'
import type { AnswerTap } from './answer-tap.ts'
import type { Exchange, Failure } from './exchange.ts'

/** What an answer that ended without a transport failure amounts to; a 200 whose stream broke is not a 200. */
export interface Verdict {
  readonly status: number
  readonly failure: Failure | null
}

/** Decided at the end of the answer, when the tap has seen all of it. */
export function judgeAnswer(exchange: Exchange, tap: AnswerTap): Verdict {
  const status = exchange.upstreamStatus ?? 502
  if (status >= 400) return judgeErrorAnswer(exchange, status, tap.errorBody())
  if (!tap.isStream || exchange.endpoint !== 'messages') return { status, failure: null }
  const { streamError, complete } = exchange.meter
  if (streamError !== null) {
    const known = streamErrorTypes[streamError.type]
    const type = known ?? 'provider_stream_error'
    // As with answers: an error that is none of the provider's own state may quote the prompt.
    const message = messageOf(streamError.type, known === undefined ? null : streamError.message)
    return { status: errorTable[type].status, failure: { type, message } }
  }
  if (complete) return { status, failure: null }
  return { status: 502, failure: { type: 'provider_stream_cut', message: 'The stream ended without message_stop.' } }
}

const streamErrorTypes: Readonly<Record<string, ErrorType>> = {
  overloaded_error: 'provider_overloaded',
  rate_limit_error: 'provider_rate_limited',
  timeout_error: 'provider_timeout',
  api_error: 'provider_stream_error',
}

function judgeErrorAnswer(exchange: Exchange, status: number, body: Buffer): Verdict {
  const type = errorTypeOf(status, exchange)
  let upstreamType = 'error'
  let message: string | null = null
  try {
    const parsed = JSON.parse(body.toString('utf8')) as { error?: { type?: unknown; message?: unknown } } | null // checked below
    if (typeof parsed?.error?.type === 'string') upstreamType = parsed.error.type.slice(0, 60)
    if (typeof parsed?.error?.message === 'string') message = parsed.error.message
  } catch {
    upstreamType = 'no JSON' // An edge may answer in HTML; the caller gets it as it is.
  }
  return {
    status,
    failure: { type, message: `${status} ${messageOf(upstreamType, quotable(status) ? message : null)}` },
  }
}

function errorTypeOf(status: number, exchange: Exchange): ErrorType {
  const callersOwn = exchange.account?.startsWith('caller-') ?? false
  switch (status) {
    case 401:
      return callersOwn ? 'caller_unauthenticated' : 'provider_auth_failed'
    case 402:
      return 'provider_billing'
    case 403:
      return callersOwn ? 'caller_forbidden' : 'provider_auth_failed'
    case 404:
      return 'caller_model_unknown'
    case 413:
      return 'caller_body_too_large'
    case 429:
      return exchange.rateLimitHeaders?.['anthropic-ratelimit-unified-status'] === 'rejected'
        ? 'provider_quota_exhausted'
        : 'provider_rate_limited'
    case 504:
      return 'provider_timeout'
    case 529:
      return 'provider_overloaded'
    default:
      return status >= 500 ? 'provider_server_error' : 'provider_rejected'
  }
}

/** A refusal of content may quote the prompt; only these say nothing but the provider's own state. */
const quotable = (status: number): boolean => status === 429 || status >= 500

const messageOf = (type: string, message: string | null): string =>
  message === null ? type : `${type}: ${withoutSecrets(message)}`.slice(0, 200)

import { type ErrorType, GatewayError } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/without-secrets.ts'

/** An error answer in a dialect's own words, read as far as it could be. */
export interface ProviderFailure {
  readonly status: number
  /** The provider's type or code, e.g. `insufficient_quota`; null where it names none. */
  readonly code: string | null
  readonly message: string | null
  /** Seconds until another try makes sense; null where nothing says so. */
  readonly retryAfterSeconds: number | null
}

/** The error map of all translated providers: what a status (and some codes) mean to the caller. */
export function failureOf(failure: ProviderFailure): GatewayError {
  const { status, code, message, retryAfterSeconds } = failure
  const type = typeOf(status, code, message)
  const what = `The provider answered ${status}${code === null ? '' : ` (${code.slice(0, 60)})`}`
  const told = message === null ? what : `${what}: ${withoutSecrets(message).slice(0, 500)}`
  return new GatewayError(type, mayQuotePrompt(type) ? what : told.slice(0, 200), {
    shown: isTooLong(type) ? `prompt is too long: ${told}` : told,
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds: Math.ceil(retryAfterSeconds) }),
    ...statusOf(type),
  })
}

/** What is said about a refused request may quote it; what a provider says of its own state does not. */
const mayQuotePrompt = (type: ErrorType): boolean => type === 'provider_rejected' || isTooLong(type)

/** The only `caller_invalid_request` of this map. The wording makes clients offer to compact the conversation. */
const isTooLong = (type: ErrorType): boolean => type === 'caller_invalid_request'

const billingCodes = /insufficient_quota|insufficient_balance|out_of_credits|billing|payment/i
const contextCodes =
  /context_length|context length|maximum context|too many tokens|prompt is too long|token count\b.{0,40}exceeds/i

function typeOf(status: number, code: string | null, message: string | null): ErrorType {
  if (status === 402 || (code !== null && billingCodes.test(code))) return 'provider_billing'
  switch (status) {
    // The credential is the gateway's: a 401 would make the caller doubt its own key.
    case 401:
    case 403:
      return 'provider_auth_failed'
    case 404:
      return 'caller_model_unknown'
    case 413:
      return 'caller_body_too_large'
    case 429:
      return 'provider_rate_limited'
    case 408:
    case 504:
      return 'provider_timeout'
    case 498:
    case 503:
    case 529:
      return 'provider_overloaded'
    default:
      if (status >= 500) return 'provider_server_error'
      return contextCodes.test(`${code ?? ''} ${message ?? ''}`) ? 'caller_invalid_request' : 'provider_rejected'
  }
}

/** To the caller a refused credential of ours, and a failure of the provider, are a bad gateway. */
function statusOf(type: ErrorType): { status?: number } {
  return type === 'provider_auth_failed' || type === 'provider_server_error' ? { status: 502 } : {}
}

/** `retry-after` in seconds or as a date, else `x-ratelimit-reset-*` durations (`1m2.5s`); null where neither is there. */
export function retryAfterOf(headers: readonly string[], nowMs: number): number | null {
  let reset: number | null = null
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase() // in range by the loop's bound
    const value = headers[at + 1] as string
    if (name === 'retry-after') {
      const seconds = Number(value)
      if (Number.isFinite(seconds)) return Math.max(0, seconds)
      const date = Date.parse(value)
      if (Number.isFinite(date)) return Math.max(0, (date - nowMs) / 1000)
    }
    if (name.startsWith('x-ratelimit-reset')) {
      const seconds = secondsOfDuration(value)
      if (seconds !== null) reset = Math.max(reset ?? 0, seconds)
    }
  }
  return reset
}

/** `1h2m3.5s`, `250ms`, `34.4s`; null for anything else. */
export function secondsOfDuration(text: string): number | null {
  const match = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(text.trim())
  if (match === null || text.trim() === '') return null
  const [, hours = '0', minutes = '0', seconds = '0', milliseconds = '0'] = match
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(milliseconds) / 1000
}

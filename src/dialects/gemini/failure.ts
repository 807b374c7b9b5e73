import type { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { failureOf, retryAfterOf, secondsOfDuration } from '../shared/failure.ts'
import { parsedJson } from '../shared/told-error.ts'

/** An error answer as a failure. Bodies that are no JSON (a proxy's page) give no message: they may hold anything. */
export function toFailure(status: number, headers: readonly string[], body: Buffer, nowMs: number): GatewayError {
  const error = errorObject(parsedJson(body))
  const told = error === null ? nothing : readError(error)
  return failureOf({
    // Google answers 400 to a key that it does not know.
    status: told.isKeyInvalid ? 401 : status,
    code: told.code,
    message: told.message,
    retryAfterSeconds: retryAfterOf(headers, nowMs) ?? told.retryAfterSeconds,
  })
}

/** The error in a chunk or a body that came under status 200, or null where there is none. */
export function errorIn(value: Json): GatewayError | null {
  const error = errorObject(value)
  if (error === null) return null
  const told = readError(error)
  const status = told.isKeyInvalid ? 401 : (told.status ?? statusOfCode[told.code ?? ''] ?? 500)
  return failureOf({ status, code: told.code, message: told.message, retryAfterSeconds: told.retryAfterSeconds })
}

/** What an error object says: `{code,message,status,details[]}` (Google API design guide, "Errors"). */
interface GoogleError {
  readonly status: number | null
  readonly code: string | null
  readonly message: string | null
  readonly retryAfterSeconds: number | null
  readonly isKeyInvalid: boolean
}

const nothing: GoogleError = { status: null, code: null, message: null, retryAfterSeconds: null, isKeyInvalid: false }

/** Without server-sent events a stream is a list, and so is its error. */
function errorObject(value: unknown): Json | null {
  const holder = Array.isArray(value) ? value[0] : value
  if (!isJson(holder) || holder.error === undefined || holder.error === null) return null
  return isJson(holder.error) ? holder.error : { message: holder.error }
}

function readError(error: Json): GoogleError {
  const details = Array.isArray(error.details) ? error.details.slice(0, 50).filter(isJson) : []
  const reason = details.find((detail) => typeof detail.reason === 'string')?.reason
  const delay = details.find((detail) => typeof detail.retryDelay === 'string')?.retryDelay
  const words = [reason, error.status].filter((word): word is string => typeof word === 'string' && word !== '')
  return {
    status: typeof error.code === 'number' && error.code >= 400 && error.code < 600 ? error.code : null,
    // A reason such as BILLING_DISABLED says more than PERMISSION_DENIED.
    code: words[0] ?? null,
    message: typeof error.message === 'string' && error.message !== '' ? error.message : null,
    retryAfterSeconds: typeof delay === 'string' ? secondsOfDuration(delay) : null,
    isKeyInvalid: reason === 'API_KEY_INVALID' || /^API key (not valid|expired)/i.test(String(error.message)),
  }
}

/** Statuses of Google's codes, for errors that name no number (google.rpc.Code). */
const statusOfCode: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
}

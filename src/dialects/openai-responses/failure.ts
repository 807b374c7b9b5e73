import type { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { failureOf, retryAfterOf } from '../shared/failure.ts'
import { failureInAnswer, parsedJson, readError } from '../shared/told-error.ts'

/** An error answer as a failure. Bodies that are no JSON (a proxy's page) give no message: they may hold anything. */
export function toFailure(status: number, headers: readonly string[], body: Buffer, nowMs: number): GatewayError {
  const value = parsedJson(body)
  const error = isJson(value) ? readError(value) : null
  return failureOf({
    status,
    code: error?.code ?? null,
    message: error?.message ?? null,
    retryAfterSeconds: retryAfterOf(headers, nowMs),
  })
}

/**
 * The error in an event or a body that came under status 200, or null where there is none. The `error` event is documented
 * flat and is sent nested, with the rate limit's headers inside.
 */
export function errorIn(value: Json, eventName = ''): GatewayError | null {
  const hasError = value.error !== undefined && value.error !== null && value.error !== false
  const isError = hasError || value.type === 'error' || value.object === 'error' || eventName === 'error'
  if (!isError) return null
  return failureInAnswer(toldBy(value), retryAfterIn(value.error))
}

/** Why a response has the status `failed`. */
export function failedResponse(response: Json): GatewayError {
  const error = isJson(response.error) ? response.error : {}
  return failureInAnswer(toldBy({ error }), retryAfterIn(error))
}

/** Codes of the Responses API that say nothing by their words (OpenAI API reference, "Response object", `error.code`). */
const statusOfCode: Readonly<Record<string, number>> = {
  server_error: 500,
  internal_error: 500,
  vector_store_timeout: 504,
  server_is_overloaded: 529,
  slow_down: 529,
  data_residency_mismatch: 400,
  bio_policy: 400,
  cyber_policy: 400,
  failed_to_download_image: 400,
}

function toldBy(value: Json) {
  const error = readError(value)
  const code = error.code ?? ''
  const status = statusOfCode[code] ?? (code.includes('image') ? 400 : null)
  // The type of the event is not the error's code.
  return { ...error, code: code === 'error' ? null : error.code, status: error.status ?? status }
}

function retryAfterIn(error: unknown): number | null {
  const headers = isJson(error) && isJson(error.headers) ? error.headers : {}
  return retryAfterOf(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [name, value] : [])),
    0,
  )
}

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

/** The error in a chunk or a body that came under status 200, or null where there is none. */
export function errorIn(value: Json, eventName = ''): GatewayError | null {
  const isError =
    (value.error !== undefined && value.error !== null && value.error !== false) ||
    value.object === 'error' ||
    value.type === 'error' ||
    (eventName === 'error' && value.choices === undefined) ||
    (Array.isArray(value.detail) && value.choices === undefined)
  return isError ? failureInAnswer(readError(value)) : null
}

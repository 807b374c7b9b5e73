import type { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { failureOf, retryAfterOf } from '../shared/failure.ts'
import { failureInAnswer, parsedJson, readError } from '../shared/told-error.ts'

/** An error answer as a failure: `{type:"error",error:{type,message}}`, or what the server says of other paths. */
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

/** The error in an event or a body that came under status 200, or null where there is none. */
export function errorIn(value: Json): GatewayError | null {
  if (value.type !== 'error' && !isJson(value.error) && typeof value.error !== 'string') return null
  return failureInAnswer(readError(value))
}

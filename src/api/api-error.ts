import { type ApiErrorBody, type ApiErrorCode, apiErrorStatus } from '../contract/error.ts'
import type { ApiReply } from './http.ts'
import { apiHeaders } from './security-headers.ts'

/** A call that can not be answered; thrown by handlers, turned into a reply in one place (`guard`). */
export class ApiError extends Error {
  readonly code: ApiErrorCode
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ApiErrorCode,
    message: string,
    options: { readonly field?: string; readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ApiError'
    this.code = code
    this.field = options.field
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** The API's error shape, also for what the http room refuses itself (unknown path, malformed or long body). */
export function errorReply(
  code: ApiErrorCode,
  message: string,
  requestId: string,
  more: { readonly field?: string | undefined; readonly retryAfterSeconds?: number | undefined } = {},
): ApiReply {
  const error: ApiErrorBody['error'] = { code, message, request_id: requestId }
  if (more.field !== undefined) error.field = more.field
  const headers: Record<string, string> = { ...apiHeaders, 'cache-control': 'no-store' }
  if (more.retryAfterSeconds !== undefined) headers['retry-after'] = String(more.retryAfterSeconds)
  return { kind: 'json', status: apiErrorStatus[code], headers, body: JSON.stringify({ error }) }
}

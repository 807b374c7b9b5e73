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

/** The reply to what the http room refuses before a handler sees it. `bodyLimit` in bytes. */
export function refusalReply(status: number, requestId: string, bodyLimit: number): ApiReply {
  switch (status) {
    case 404:
      return errorReply('not_found', 'There is nothing at this address.', requestId)
    case 405:
      return errorReply('method_not_allowed', 'Not with this method; the Allow header names the right ones.', requestId)
    case 408:
      return errorReply('request_timeout', 'The request took too long to arrive.', requestId)
    case 413:
      return errorReply('body_too_large', `The body is over ${bodyLimit} bytes.`, requestId)
    case 431:
      return errorReply('head_too_large', 'The request line and headers are too long.', requestId)
    default:
      return status >= 400 && status < 500
        ? errorReply('invalid_request', 'The request could not be read.', requestId)
        : errorReply('internal', 'The dashboard failed on this request.', requestId)
  }
}

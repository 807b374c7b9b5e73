/** The real API's error types with their status and usual wording. Source: API reference, "Errors"; recorded bodies. */
const usual: Readonly<Record<string, { status: number; message: string }>> = {
  invalid_request_error: { status: 400, message: 'The request is invalid.' },
  authentication_error: { status: 401, message: 'invalid x-api-key' },
  billing_error: { status: 402, message: 'Your credit balance is too low to access the Anthropic API.' },
  permission_error: { status: 403, message: 'Your API key does not have permission to use the specified resource.' },
  not_found_error: { status: 404, message: 'Not Found' },
  conflict_error: { status: 409, message: 'The resource was changed by another request.' },
  request_too_large: { status: 413, message: 'Request exceeds the maximum size' },
  rate_limit_error: { status: 429, message: "This request would exceed your organization's rate limit." },
  api_error: { status: 500, message: 'Internal server error' },
  timeout_error: { status: 504, message: 'Request timed out' },
  overloaded_error: { status: 529, message: 'Overloaded' },
}

/** A refusal as the real API words it. */
export class ApiFailure extends Error {
  readonly type: string
  readonly status: number
  readonly retryAfter: string | undefined
  /** Further response headers (the rate-limit family of a refusal). */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    type: string,
    message?: string,
    options: {
      status?: number | undefined
      retryAfter?: string | undefined
      headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(message ?? usual[type]?.message ?? 'An error.')
    this.name = 'ApiFailure'
    this.type = type
    this.status = options.status ?? usual[type]?.status ?? 500
    this.retryAfter = options.retryAfter
    this.headers = options.headers ?? {}
  }
}

export const invalidRequest = (message: string): ApiFailure => new ApiFailure('invalid_request_error', message)

export function errorTypeOfStatus(status: number): string {
  const exact = Object.entries(usual).find(([, row]) => row.status === status)
  return exact?.[0] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

/** The body of an error response, and the data of an `error` event. `details` is null in recorded ones. */
export function failureBody(failure: { type: string; message: string }, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: { details: null, type: failure.type, message: failure.message },
    request_id: requestId,
  })
}

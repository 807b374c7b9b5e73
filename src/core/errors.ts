/**
 * Every way an exchange can fail, as one table: whose fault it is, what the caller is told, and whether trying again can
 * help. The prefix of a type names the fault. docs/errors.md and the metric labels are held equal to it by tests.
 */

export type Fault = 'caller' | 'policy' | 'provider' | 'gateway'
/** `never`: the same call fails again. `elsewhere`: another target may do. `later`: the same target may do in a while. */
export type Retry = 'never' | 'elsewhere' | 'later'

/** What is fixed for a type of error. */
export interface ErrorRow {
  readonly status: number
  /** The `error.type` of the Anthropic error body. */
  readonly anthropicType: string
  readonly fault: Fault
  readonly retry: Retry
  readonly logLevel: 'warn' | 'error'
  readonly meaning: string
}

const row = (
  status: number,
  anthropicType: string,
  fault: Fault,
  retry: Retry,
  meaning: string,
  logLevel: 'warn' | 'error' = fault === 'provider' || fault === 'gateway' ? 'error' : 'warn',
): ErrorRow => ({ status, anthropicType, fault, retry, logLevel, meaning })

/** One row for each type. To add one is to add a line here; documentation, metrics and logs follow. */
export const errorTable = {
  caller_invalid_request: row(
    400,
    'invalid_request_error',
    'caller',
    'never',
    'The request is malformed; the message says where.',
  ),
  caller_unauthenticated: row(
    401,
    'authentication_error',
    'caller',
    'never',
    'No key, or one this gateway does not know.',
  ),
  caller_forbidden: row(403, 'permission_error', 'caller', 'never', 'The key or credential may not do this.'),
  caller_model_unknown: row(404, 'not_found_error', 'caller', 'never', 'No such model or path.'),
  caller_body_too_large: row(
    413,
    'request_too_large',
    'caller',
    'never',
    'The body is over the limit (32 MB by default).',
  ),
  caller_cancelled: row(
    499,
    'invalid_request_error',
    'caller',
    'never',
    'The caller left before the answer was complete.',
  ),
  policy_rate_limited: row(429, 'rate_limit_error', 'policy', 'later', "The gateway's own rate limit."),
  policy_concurrency_limited: row(429, 'rate_limit_error', 'policy', 'later', 'Too many calls of this key at once.'),
  policy_budget_exceeded: row(429, 'billing_error', 'policy', 'later', 'A budget is spent.'),
  policy_quota_guard: row(429, 'rate_limit_error', 'policy', 'later', 'The account is held back to save its quota.'),
  policy_model_blocked: row(403, 'permission_error', 'policy', 'never', 'The model is not allowed for this key.'),
  provider_auth_failed: row(
    401,
    'authentication_error',
    'provider',
    'elsewhere',
    'The provider refused the credential.',
  ),
  provider_billing: row(402, 'billing_error', 'provider', 'elsewhere', 'The upstream account has a billing problem.'),
  provider_rejected: row(
    400,
    'invalid_request_error',
    'provider',
    'never',
    'The provider refused the content of the request.',
    'warn',
  ),
  provider_rate_limited: row(
    429,
    'rate_limit_error',
    'provider',
    'later',
    'The provider limits this account or model.',
  ),
  provider_quota_exhausted: row(429, 'rate_limit_error', 'provider', 'later', "The account's quota window is used up."),
  provider_overloaded: row(529, 'overloaded_error', 'provider', 'later', 'The provider is overloaded.'),
  provider_server_error: row(500, 'api_error', 'provider', 'elsewhere', 'The provider failed (5xx).'),
  provider_unreachable: row(502, 'api_error', 'provider', 'elsewhere', 'No connection to the provider.'),
  provider_timeout: row(504, 'timeout_error', 'provider', 'elsewhere', 'The provider sent no answer in time.'),
  provider_stream_stalled: row(
    504,
    'timeout_error',
    'provider',
    'later',
    'The stream went silent for longer than the limit.',
  ),
  provider_stream_cut: row(502, 'api_error', 'provider', 'later', 'The connection broke in the middle of the answer.'),
  provider_stream_error: row(
    502,
    'api_error',
    'provider',
    'later',
    'The provider reported an error inside a 200 stream.',
  ),
  provider_bad_response: row(502, 'api_error', 'provider', 'elsewhere', 'The answer is not what the protocol allows.'),
  gateway_no_target: row(503, 'api_error', 'gateway', 'later', 'No provider is configured for this call.'),
  gateway_shutting_down: row(529, 'overloaded_error', 'gateway', 'later', 'The gateway is draining.'),
  gateway_overloaded: row(529, 'overloaded_error', 'gateway', 'later', 'The gateway sheds load.'),
  gateway_internal: row(
    500,
    'api_error',
    'gateway',
    'later',
    'A defect of the gateway, or it died with the call in flight.',
  ),
  other: row(500, 'api_error', 'gateway', 'never', 'Not in this table: an alarm in itself.'),
} as const satisfies Record<string, ErrorRow>

/** The name of a row: the `error_type` of ledger, logs and metrics. */
export type ErrorType = keyof typeof errorTable

/** A failure with its row: code says whose fault it is, status may be more precise than the row's. */
export class GatewayError extends Error {
  readonly type: ErrorType
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  /** What the caller is told instead, where that may quote the caller's own text, which no record of ours may hold. */
  readonly shown: string

  constructor(
    type: ErrorType,
    message: string,
    options: { cause?: unknown; status?: number; retryAfterSeconds?: number; shown?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatewayError'
    this.type = type
    this.status = options.status ?? errorTable[type].status
    this.retryAfterSeconds = options.retryAfterSeconds
    this.shown = options.shown ?? message
  }

  get row(): ErrorRow {
    return errorTable[this.type]
  }

  /**
   * The `error.type` the caller is told. A refused credential of the gateway's own is told as 502, and then no
   * `authentication_error`: the caller would doubt its own key.
   */
  get anthropicType(): string {
    return this.type === 'provider_auth_failed' && this.status === 502 ? 'api_error' : this.row.anthropicType
  }
}

/**
 * The Anthropic error body (`{"type":"error","error":{…},"request_id":…}`).
 * Source: Anthropic API reference, "Errors".
 */
export function anthropicErrorBody(error: GatewayError, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: { type: error.anthropicType, message: error.shown },
    request_id: requestId,
  })
}

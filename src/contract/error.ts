import * as z from 'zod'

/** The closed set of the API's own error codes and the status each is sent with. */
export const apiErrorStatus = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  too_many_requests: 429,
  head_too_large: 431,
  internal: 500,
  too_many_clients: 503,
  database_unavailable: 503,
  database_busy: 503,
  query_timeout: 503,
} as const satisfies Record<string, number>

export type ApiErrorCode = keyof typeof apiErrorStatus

/** The one shape of every failed call. `field` names the parameter at fault where there is one. */
export const apiErrorBody = z.object({
  error: z.object({
    // Open for the reader, so that an older page understands the message of a newer server.
    code: z.string(),
    message: z.string(),
    request_id: z.string(),
    field: z.string().optional(),
  }),
})

export type ApiErrorBody = z.infer<typeof apiErrorBody>

/** The one place where a request is checked and an error becomes a reply. */
import { createHash } from 'node:crypto'
import type * as z from 'zod'
import type { Endpoint } from '../contract/endpoint.ts'
import type { Logger } from '../core/logger.ts'
import { ApiError, errorReply } from './api-error.ts'
import type { Authenticator, Caller } from './authenticate.ts'
import { type ApiReply, type ApiRequest, type ApiRoute, first } from './http.ts'
import { apiHeaders } from './security-headers.ts'

/** What a handler is given: everything is checked. */
export interface Call<Query, Body> {
  readonly query: Query
  readonly body: Body
  readonly params: ApiRequest['params']
  readonly request: ApiRequest
  /** Null on endpoints that need no key. */
  readonly caller: Caller | null
}

/** Binds a handler to its endpoint: authentication, validation, security headers, errors. */
export function guard<Query extends z.ZodType, Body extends z.ZodType, Response extends z.ZodType>(
  endpoint: Endpoint<Query, Body, Response>,
  { authenticator, logger }: { readonly authenticator: Authenticator; readonly logger: Logger },
  handler: (call: Call<z.output<Query>, z.output<Body>>) => Promise<ApiReply> | ApiReply,
): ApiRoute {
  async function answer(request: ApiRequest): Promise<ApiReply> {
    const caller = endpoint.auth === 'key' ? authenticator.authenticate(request) : null
    const query = parse(endpoint.query, single(request.query), 'query parameter')
    const body = parse(endpoint.body, request.body, 'field')
    return withHeaders(await handler({ query, body, params: request.params, request, caller }), request)
  }
  return {
    method: endpoint.method,
    path: endpoint.path,
    auth: endpoint.auth,
    handle: (request) => answer(request).catch((error: unknown) => replyTo(error, request, logger)),
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, noun: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const field = unknownKey ?? (issue?.path.join('.') || undefined)
  if (field === undefined) throw new ApiError('invalid_request', 'The body must be a JSON object.')
  const missing = issue?.code === 'invalid_type' && (issue.input === undefined || issue.message.endsWith('undefined'))
  const complaint = unknownKey !== undefined ? 'is not known here' : missing ? 'is missing' : issue?.message
  throw new ApiError('invalid_request', `${noun} \`${field.slice(0, 100)}\`: ${complaint}`, {
    field: field.slice(0, 100),
  })
}

/** A parameter given twice is refused: which of the two was meant is nothing to guess. */
function single(query: ApiRequest['query']): Record<string, string> {
  const values: Record<string, string> = {}
  for (const [field, value] of Object.entries(query)) {
    if (typeof value === 'string') values[field] = value
    else if (value !== undefined) {
      const shown = field.slice(0, 100)
      throw new ApiError('invalid_request', `query parameter \`${shown}\`: is given more than once`, { field: shown })
    }
  }
  return values
}

/** Answers may be kept by the browser that asked and nobody else, and asked for again by their tag. */
function withHeaders(reply: ApiReply, request: ApiRequest): ApiReply {
  const headers: Record<string, string> = { ...apiHeaders, 'cache-control': 'private, no-cache', ...reply.headers }
  if (reply.kind !== 'json') return { ...reply, headers }
  const isPlainGet = request.method === 'GET' && reply.status === 200 && reply.headers['cache-control'] === undefined
  if (!isPlainGet) return { ...reply, headers }
  const etag = `"${createHash('sha1').update(reply.body).digest('base64url')}"`
  headers.etag = etag
  // The same address answers differently to who is signed in and who is not.
  headers.vary = 'Cookie, X-Dashboard-Key'
  if (first(request.headers['if-none-match']) === etag) return { kind: 'empty', status: 304, headers }
  return { ...reply, headers }
}

function replyTo(error: unknown, request: ApiRequest, logger: Logger): ApiReply {
  if (error instanceof ApiError) return errorReply(error.code, error.message, request.id, error)
  const code = storeCodeOf(error)
  if (code !== null) {
    logger.warn('api_database_unavailable', 'A dashboard query failed', {
      path: request.path,
      request_id: request.id,
      code,
    })
    if (code === '57014')
      return errorReply('query_timeout', 'The database took too long; try a shorter range.', request.id)
    return code === 'busy'
      ? errorReply('database_busy', 'Too many questions at once; try again in a moment.', request.id, {
          retryAfterSeconds: 2,
        })
      : errorReply('database_unavailable', 'The database is not reachable. Live events still work.', request.id, {
          retryAfterSeconds: 5,
        })
  }
  // The message may hold SQL or values, so the caller gets none of it.
  logger.error('api_internal_error', 'A dashboard call failed', {
    path: request.path,
    request_id: request.id,
    reason: error instanceof Error ? error.message.slice(0, 200) : 'unknown',
  })
  return errorReply(
    'internal',
    'The dashboard failed to answer. The log has the reason under this request id.',
    request.id,
  )
}

/**
 * The code of a failure of the database itself: the store's own `unavailable`, a system error of the socket, or an
 * SQLSTATE of the classes connection, resources, operator intervention. Null for everything else.
 */
function storeCodeOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 3) return null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^(unavailable|busy|E[A-Z]{3,}|08...|53...|57...|3D000|42P01)$/.test(code)) return code
  return 'cause' in error ? storeCodeOf(error.cause, depth + 1) : null
}

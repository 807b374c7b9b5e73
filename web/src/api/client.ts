/** Calls of the dashboard API, typed and checked by the contract. */
import type * as z from 'zod'
import type { Endpoint } from '../../../src/contract/endpoint.ts'
import { apiErrorBody } from '../../../src/contract/error.ts'
import { csrfHeader } from '../../../src/contract/session.ts'

/** A call that did not work, in words for people. `status` is 0 where no answer came. */
export class ApiFailure extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | null

  constructor(status: number, code: string, message: string, requestId: string | null) {
    super(message)
    this.name = 'ApiFailure'
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

type QueryOf<E extends Endpoint> = {
  readonly [Name in keyof z.input<E['query']>]?: string | number | boolean | undefined
}

export interface CallOptions<E extends Endpoint> {
  readonly query?: QueryOf<E>
  readonly params?: Readonly<Record<string, string>>
  readonly body?: z.input<E['body']>
  readonly csrfToken?: string | null
  readonly signal?: AbortSignal
}

/** @throws ApiFailure whatever went wrong, but an abort by the caller. */
export async function call<E extends Endpoint>(
  endpoint: E,
  options: CallOptions<E> = {},
): Promise<z.output<E['response']>> {
  const response = await send(endpoint, options)
  const text = await response.text()
  const json = text === '' ? null : parseJson(text)
  if (!response.ok) throw failureOf(response.status, json)
  const parsed = endpoint.response.safeParse(json)
  if (parsed.success) return parsed.data as z.output<E['response']> // the schema of this very endpoint
  throw new ApiFailure(
    response.status,
    'unexpected_answer',
    'The server answered in a way this page does not know. Reload it.',
    null,
  )
}

async function send<E extends Endpoint>(endpoint: E, options: CallOptions<E>): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (options.body !== undefined) headers['content-type'] = 'application/json'
  if (options.csrfToken) headers[csrfHeader] = options.csrfToken
  try {
    return await fetch(addressOf(endpoint, options), {
      method: endpoint.method,
      headers,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      signal: AbortSignal.any([AbortSignal.timeout(15_000), ...(options.signal ? [options.signal] : [])]),
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new ApiFailure(0, 'unreachable', 'The dashboard process does not answer.', null)
  }
}

function addressOf<E extends Endpoint>(endpoint: E, { query = {}, params = {} }: CallOptions<E>): string {
  const path = endpoint.path.replace(/:(\w+)/g, (_match, name: string) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? path : `${path}?${search}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a proxy's HTML error page, judged by its status
  }
}

function failureOf(status: number, json: unknown): ApiFailure {
  const parsed = apiErrorBody.safeParse(json)
  if (!parsed.success)
    return new ApiFailure(status, 'unknown', `The server answered ${status} without saying why.`, null)
  const { code, message, request_id } = parsed.data.error
  return new ApiFailure(status, code, message, request_id)
}

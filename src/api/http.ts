/** What handlers read requests and write replies with. */
import type { ApiReply } from '../core/api-route.ts'

export type { ApiReply, ApiRequest, ApiRoute, StreamWriter } from '../core/api-route.ts'

/** The http room refuses longer bodies with `errorReply('body_too_large', …)`. */
export const bodyLimitBytes = 64 * 1024

/** The first value of a header or parameter that may have come more than once. */
export function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

/** A reply whose body is the value as JSON. */
export function jsonReply(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): ApiReply {
  return { kind: 'json', status, headers, body: JSON.stringify(value) }
}

/** What one endpoint of the dashboard API takes and gives. The server validates with it, the web page is typed by it. */
import * as z from 'zod'

export interface Endpoint<
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path with `:name` for parameters. */
  readonly path: `/${string}`
  /** `key`: needs the dashboard key in `X-Dashboard-Key`, or a session cookie made from it. */
  readonly auth: 'none' | 'key'
  readonly summary: string
  readonly query: Query
  readonly body: Body
  readonly response: Response
}

/** For an endpoint without query or body: a misspelt parameter is an error, because ignoring it shows wrong numbers. */
export const nothing = z.strictObject({})

/** Keeps the types of the parts; `query` and `body` are `nothing` unless given. */
export function defineEndpoint<
  Response extends z.ZodType,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = z.ZodUnknown,
>(
  endpoint: Omit<Endpoint<Query, Body, Response>, 'query' | 'body'> & { readonly query?: Query; readonly body?: Body },
): Endpoint<Query, Body, Response> {
  return {
    ...endpoint,
    // The defaults of the type parameters are exactly these values, which the compiler can not see through `??`.
    query: (endpoint.query ?? nothing) as Query,
    body: (endpoint.body ?? z.unknown()) as Body,
  }
}

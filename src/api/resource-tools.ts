import type * as z from 'zod'
import type { Endpoint } from '../contract/endpoint.ts'
import type { Clock } from '../core/clock.ts'
import type { Call } from './guard.ts'
import type { ApiReply, ApiRoute } from './http.ts'
import type { ApiQueries } from './queries.ts'

/** What every resource of the API works with. */
export interface ResourceTools {
  readonly queries: ApiQueries
  readonly clock: Clock
  /** Every call that ended before this is in the ledger; null where nobody here can tell. */
  completeTo(): number | null
  /** Binds a handler to an endpoint; see `guard`. */
  bind<Query extends z.ZodType, Body extends z.ZodType, Response extends z.ZodType>(
    endpoint: Endpoint<Query, Body, Response>,
    handler: (call: Call<z.output<Query>, z.output<Body>>) => Promise<ApiReply> | ApiReply,
  ): ApiRoute
  /** Asks once for all viewers with the same question; see `SharedAnswers`. */
  share<Answer>(endpoint: Endpoint, query: unknown, ask: () => Promise<Answer>, keptForMs?: number): Promise<Answer>
  /** @throws ApiError 400 naming the field, where a range does not pass `checkSpan`. */
  refuseSpan(complaint: { readonly field: string; readonly message: string } | null): void
}

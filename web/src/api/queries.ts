/** What the page asks, as TanStack Query options. */
import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query'
import { endpoints } from '../../../src/contract/index.ts'
import type { OverviewSearch } from '../paths.ts'
import { type RangeName, spanBefore, spanOf } from '../time-range.ts'
import { ApiFailure, call } from './client.ts'

const maxTries = 2

export function createQueryClient(onSignedOut: () => void): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        // What a retry can not help is shown at once; a database that is away is asked again by the page's own beat.
        retry: (tries, error) => tries < maxTries && isPassing(error),
        retryDelay: 1000,
        staleTime: 1000,
        refetchOnWindowFocus: true,
      },
    },
  })
  client.getQueryCache().subscribe(({ query, type }) => {
    const { error } = query.state
    if (type === 'updated' && error instanceof ApiFailure && error.status === 401 && query.queryKey[0] !== 'session')
      onSignedOut()
  })
  return client
}

/** A failure of the way to the dashboard, not of the dashboard. */
const isPassing = (error: unknown): boolean =>
  error instanceof ApiFailure && (error.status === 0 || error.status === 502 || error.status === 504)

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => call(endpoints.session, { signal }),
  staleTime: 60_000,
  retry: false,
})

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => call(endpoints.setup, { signal }),
  staleTime: 60_000,
})

/** The figures of the range and of the period before it. Everything under `figures` is asked anew as traffic comes. */
export const statsQuery = (range: RangeName, domain: string | undefined) =>
  queryOptions({
    queryKey: ['figures', 'stats', range, domain],
    queryFn: async ({ signal }) => {
      const span = spanOf(range, Date.now())
      const before = spanBefore(span)
      const ask = ({ from, to }: typeof span) =>
        call(endpoints.stats, { query: { since: from, until: to, domain }, signal })
      const [now, previous] = await Promise.all([ask(span), ask(before)])
      return { now, previous }
    },
    placeholderData: keepPreviousData,
  })

export const timelineQuery = (range: RangeName, domain: string | undefined) =>
  queryOptions({
    queryKey: ['figures', 'timeline', range, domain],
    queryFn: ({ signal }) => {
      const { from, to } = spanOf(range, Date.now())
      return call(endpoints.timeline, { query: { from, to, domain, width: 300 }, signal })
    },
    placeholderData: keepPreviousData,
  })

export type ListFilter = Pick<OverviewSearch, 'domain' | 'model' | 'status'>

export const requestsQuery = (range: RangeName, { domain, model, status }: ListFilter) =>
  queryOptions({
    queryKey: ['requests', range, domain, model, status],
    queryFn: ({ signal }) => {
      const { from, to } = spanOf(range, Date.now())
      return call(endpoints.requests, { query: { from, to: to + 60_000, domain, model, status, limit: 200 }, signal })
    },
    // Live events keep the list fresh; this is its floor.
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
  })

export const requestQuery = (id: string) =>
  queryOptions({
    queryKey: ['request', id],
    queryFn: ({ signal }) => call(endpoints.request, { params: { id }, signal }),
    // A finished exchange never changes.
    staleTime: Number.POSITIVE_INFINITY,
    // The live event comes before the ledger's row.
    retry: (tries, error) => tries < 4 && error instanceof ApiFailure && (error.status === 404 || error.status >= 500),
    retryDelay: 700,
  })

/** The server keeps an answer for five seconds; a page that is looked at asks twice as seldom. */
export const databaseQuery = queryOptions({
  queryKey: ['database'],
  queryFn: ({ signal }) => call(endpoints.database, { signal }),
  refetchInterval: 10_000,
})

/** Whether anything was ever recorded, to tell a new installation from a quiet hour. */
export const everQuery = queryOptions({
  queryKey: ['figures', 'ever'],
  queryFn: async ({ signal }) => {
    const now = Math.floor(Date.now() / 1000) * 1000
    const { total_requests } = await call(endpoints.stats, {
      query: { since: now - 399 * 86_400_000, until: now + 60_000 },
      signal,
    })
    return total_requests > 0
  },
})

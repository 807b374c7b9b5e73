import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { ExchangeSummary } from '../../../../src/contract/exchange.ts'
import { useLive } from '../../api/live-context.tsx'
import { merge } from '../../api/live-store.ts'
import { type ListFilter, requestsQuery } from '../../api/queries.ts'
import { type RangeName, spanOf } from '../../time-range.ts'

/** The newest finished calls: what the ledger has, and what was heard since. */
export function useCalls(range: RangeName, filter: ListFilter) {
  const paused = useLive((state) => state.paused)
  const recent = useLive((state) => state.recent)
  const { refetchInterval, ...query } = requestsQuery(range, filter)
  const ledger = useQuery({ ...query, refetchInterval: paused ? false : (refetchInterval ?? false) })
  const { domain, model, status } = filter
  const calls = useMemo(() => {
    const { from } = spanOf(range, Date.now())
    const heard = recent.filter((one) => matches(one, { domain, model, status }) && Date.parse(one.opened_at) >= from)
    // While another filter's answer stands in for this one, its rows do not belong here.
    const known = (ledger.data?.requests ?? []).filter((one) => matches(one, { domain, model, status }))
    return merge(heard, known)
  }, [recent, ledger.data, range, domain, model, status])
  return { calls, ledger }
}

/** The filter of `GET /api/requests`, for events. */
export function matches(exchange: ExchangeSummary, { domain, model, status }: ListFilter): boolean {
  if (domain !== undefined && exchange.domain !== domain) return false
  if (model !== undefined && exchange.model !== model) return false
  if (status === undefined) return true
  if (status === 'failed') return exchange.outcome !== 'ok' && exchange.outcome !== 'cancelled'
  return String(exchange.status_code).startsWith(status.slice(0, 1))
}

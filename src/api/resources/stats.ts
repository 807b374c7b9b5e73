import { checkSpan } from '../../contract/scalars.ts'
import { type Stats, stats, statsSpanDays } from '../../contract/stats.ts'
import { jsonReply } from '../http.ts'
import { cacheHitRatio, presentRange, presentTokens } from '../present.ts'
import type { StatsAnswer, Sums } from '../queries.ts'
import type { ResourceTools } from '../resource-tools.ts'

const dayMs = 86_400_000

/** `GET /api/stats` (contract A4). */
export function statsRoutes({ bind, queries, clock, share, refuseSpan, completeTo }: ResourceTools) {
  return [
    bind(stats, async ({ query }) => {
      const to = query.until ?? clock.now()
      const from = query.since ?? to - dayMs
      refuseSpan(checkSpan(from, to, statsSpanDays, ['since', 'until']))
      const domain = query.domain ?? null
      const answer = await share(stats, query, () => queries.stats({ from, to, domain, source: query.source }))
      return jsonReply(presentStats(answer, domain, completeTo()))
    }),
  ]
}

export function presentStats(answer: StatsAnswer, domain: string | null, completeTo: number | null): Stats {
  const { total } = answer
  const minutes = (answer.to - answer.from) / 60_000
  return {
    ...presentRange(answer, completeTo),
    domain,
    total_requests: total.requests,
    failed_requests: total.errors,
    cancelled_requests: answer.cancelled,
    error_rate: total.requests === 0 ? null : total.errors / total.requests,
    requests_per_minute: total.requests / minutes,
    total_tokens: presentTokens(total.tokens),
    cache_hit_ratio: cacheHitRatio(total.tokens),
    cost_usd: total.costUsd,
    response_time_ms: answer.responseTimeMs,
    ttft_ms: answer.ttftMs,
    by_domain: answer.byDomain.map((row) => ({ domain: row.domain, ...presentSums(row) })),
    by_model: answer.byModel.map((row) => ({
      provider: row.provider,
      model: row.model,
      ...presentSums(row),
      response_time_ms: row.responseTimeMs,
    })),
    errors_by_type: answer.errorsByType.map((row) => ({ error_type: row.errorType, requests: row.requests })),
  }
}

function presentSums({ requests, errors, tokens, costUsd }: Sums) {
  return { requests, errors, tokens: presentTokens(tokens), cost_usd: costUsd }
}

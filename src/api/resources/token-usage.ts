import { currentUsage, dailyUsage } from '../../contract/token-usage.ts'
import { jsonReply } from '../http.ts'
import { iso, presentRange, presentTokens } from '../present.ts'
import type { AccountUsage } from '../queries.ts'
import type { ResourceTools } from '../resource-tools.ts'

const dayMs = 86_400_000

/** `GET /api/token-usage/current` and `/daily` (contract A5, A6). */
export function tokenUsageRoutes({ bind, queries, clock, share, completeTo }: ResourceTools) {
  return [
    bind(currentUsage, async ({ query }) => {
      const to = clock.now()
      const from = to - query.window * 60_000
      const { source } = query
      const account = query.accountId ?? null
      const rows = await share(currentUsage, query, () => queries.currentUsage({ from, to, account, source }))
      if (account !== null) {
        const row = rows.find((one) => one.account === account) ?? unusedAccount(account, from, to)
        return jsonReply({ ...presentAccount(row), window: query.window })
      }
      const accounts = rows.map(presentAccount)
      const tokensUsed = accounts.reduce((sum, one) => sum + one.tokens_used, 0)
      const window = { window: query.window, window_start: iso(from), window_end: iso(to) }
      return jsonReply({ ...window, tokens_used: tokensUsed, accounts })
    }),
    bind(dailyUsage, async ({ query }) => {
      const to = clock.now()
      // Whole days in UTC, today included, so that thirty days are thirty rows.
      const from = Math.floor(to / dayMs) * dayMs - (query.days - 1) * dayMs
      const { aggregate, source } = query
      const account = query.accountId ?? null
      const answer = await share(dailyUsage, query, () => queries.dailyUsage({ from, to, account, aggregate, source }))
      const days = answer.rows.map(({ costUsd, tokens, ...row }) => {
        const buckets = presentTokens(tokens)
        return { ...row, tokens_used: buckets.total, tokens: buckets, cost_usd: costUsd }
      })
      return jsonReply({ ...presentRange(answer, completeTo()), account_id: account, aggregate, days })
    }),
  ]
}

function presentAccount(row: AccountUsage) {
  const tokens = presentTokens(row.tokens)
  return {
    account_id: row.account,
    requests: row.requests,
    tokens_used: tokens.total,
    limit: row.limit,
    percentage: row.percentage ?? (row.limit === null || row.limit === 0 ? null : (100 * tokens.total) / row.limit),
    tokens,
    cost_usd: row.costUsd,
    window_start: iso(row.from),
    window_end: iso(row.to),
    resets_at: row.resetsAt === null ? null : iso(row.resetsAt),
    basis: row.basis,
    source: row.source,
    sample_age_seconds: row.sampleAgeSeconds,
  }
}

/** Nothing used is an answer, not an error: monitors ask for accounts before their first call. */
function unusedAccount(account: string, from: number, to: number): AccountUsage {
  const tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }
  return {
    account,
    from,
    to,
    requests: 0,
    tokens,
    costUsd: 0,
    limit: null,
    percentage: null,
    resetsAt: null,
    basis: 'all_tokens',
    source: 'none',
    sampleAgeSeconds: null,
  }
}

import { floorTo, tierFor } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { type SumRow, sumColumns, toSums } from './sums.ts'

const accountLimit = 200

/** Usage of a sliding window by account, with the reset that the provider told us, where it did (contract A5). */
export async function currentUsage(
  sql: Sql,
  question: { readonly from: number; readonly to: number; readonly account: string | null },
) {
  const tier = tierFor(question.from, question.to)
  const from = floorTo(tier, question.from)
  const rows = await sql.query<
    SumRow & { account_id: string; headers: Record<string, string> | null; observed_at: Date | null }
  >(
    'current-usage',
    `WITH used AS (
       SELECT account_id, ${sumColumns} FROM rollup_${tier.name}
       WHERE bucket >= $1 AND bucket < $2 AND account_id <> '' AND ($3::text IS NULL OR account_id = $3)
       GROUP BY account_id ORDER BY sum(requests) DESC LIMIT ${accountLimit})
     SELECT used.*, headers, observed_at FROM used LEFT JOIN account_limits USING (account_id) ORDER BY requests DESC`,
    [from, new Date(question.to), question.account],
  )
  return rows.map((row) => {
    const { requests, tokens, costUsd } = toSums(row)
    return {
      from: from.getTime(),
      to: question.to,
      account: row.account_id,
      requests,
      tokens,
      costUsd,
      ...limitOf(row.headers, question.to),
    }
  })
}

/**
 * The five-hour window of a subscription, else the token bucket of an API key. A limit is never invented: subscriptions
 * tell a share, not a number.
 */
function limitOf(
  headers: Record<string, string> | null,
  now: number,
): { readonly limit: number | null; readonly resetsAt: number | null } {
  const reset = parseReset(
    headers?.['anthropic-ratelimit-unified-5h-reset'] ?? headers?.['anthropic-ratelimit-unified-reset'],
  )
  // A reset that has passed says nothing about the window that runs now.
  return { limit: null, resetsAt: reset !== null && reset > now ? reset : null }
}

/** Epoch seconds or RFC 3339: `new Date("1750420800")` is an invalid date. */
export function parseReset(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  return Number.isFinite(ms) ? ms : null
}

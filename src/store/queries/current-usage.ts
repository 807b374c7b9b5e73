import type { Sql } from '../sql.ts'
import { type LimitSample, quotaWindowOf } from './quota-window.ts'
import { coverRange, type Held, rollupsOf } from './rollup-range.ts'
import { type SourceFilter, sourceCondition } from './source-condition.ts'
import { type SumRow, sumColumns, toSums } from './sums.ts'

const accountLimit = 200
/** Samples looked at for an account: ten minutes of steady traffic. */
const sampleLimit = 60
/** Older samples tell nothing about any window that still runs. */
const sampleMaxAgeMs = 8 * 86_400_000

export interface CurrentUsageQuestion {
  /** Epoch milliseconds, widened to whole minutes. */
  readonly from: number
  /** Exclusive; the present, usually. */
  readonly to: number
  /** Null for every account with traffic in the range. */
  readonly account: string | null
  /** Default: `wire`. */
  readonly source?: SourceFilter
}

/**
 * Usage of a sliding window by account (contract A5). The reset and the percentage are those that the provider told, for
 * a range of five hours or seven days; a limit in tokens is never invented.
 */
export async function currentUsage(sql: Sql, question: CurrentUsageQuestion, held?: Held) {
  const { account, to } = question
  const spans = coverRange(question.from, to, held)
  const values: unknown[] = [account]
  const used = rollupsOf(
    'rollup',
    spans,
    values,
    `${sourceCondition(question.source)} AND ($1::text IS NULL OR account_id = $1)`,
  )
  const rows = await sql.query<SumRow & { account_id: string }>(
    'current-usage',
    `SELECT account_id, ${sumColumns} FROM ${used} AS sums GROUP BY account_id
     ORDER BY sum(requests) DESC, account_id LIMIT ${accountLimit}`,
    values,
  )
  const samples = await samplesOf(
    sql,
    rows.map((row) => row.account_id),
    to,
  )
  const windowMinutes = Math.round((to - question.from) / 60_000)
  return rows.map((row) => {
    const { resetsAt, percentage, source, observedAt } = quotaWindowOf(
      samples.get(row.account_id) ?? [],
      windowMinutes,
      to,
    )
    return {
      from: spans[0]?.from ?? question.from,
      to,
      /** Null for calls that no account of ours paid for. */
      account: row.account_id || null,
      ...toSums(row),
      limit: null,
      percentage,
      resetsAt,
      source,
      /** Which tokens a figure `tokens_used` counts. */
      basis: 'all_tokens' as const,
      sampleAgeSeconds: observedAt === null ? null : Math.max(0, Math.round((to - observedAt) / 1000)),
    }
  })
}

async function samplesOf(sql: Sql, accounts: readonly string[], now: number): Promise<Map<string, LimitSample[]>> {
  const byAccount = new Map<string, LimitSample[]>()
  if (accounts.length === 0) return byAccount
  const rows = await sql.query<{ account_id: string; observed_at: Date; headers: Record<string, string> }>(
    'rate-limit-samples',
    `SELECT newest.account_id, newest.observed_at, newest.headers
     FROM unnest($1::text[]) AS asked(account_id), LATERAL (
       SELECT account_id, observed_at, headers FROM rate_limit_samples
       WHERE account_id = asked.account_id AND slot_start > $2
       ORDER BY slot_start DESC LIMIT ${sampleLimit}) AS newest
     ORDER BY newest.account_id, newest.observed_at DESC`,
    [accounts, new Date(now - sampleMaxAgeMs)],
  )
  for (const row of rows) {
    const sample = { observedAt: row.observed_at.getTime(), headers: row.headers }
    const known = byAccount.get(row.account_id)
    if (known === undefined) byAccount.set(row.account_id, [sample])
    else known.push(sample)
  }
  return byAccount
}

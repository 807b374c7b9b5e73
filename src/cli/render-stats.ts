import type { Stats } from '../contract/stats.ts'
import { renderTable } from './table.ts'

/** How full a window of an account's quota is, as its provider told us. */
export interface QuotaWindow {
  readonly account: string
  readonly window: string
  readonly percentage: number
  readonly resets_at: string | null
}

/** The figures for a person at a terminal: the sums, then what they are made of. Pure. */
export function renderStats(found: Stats, quota: readonly QuotaWindow[]): string {
  const parts = [
    `${dayAndTime(found.from)} to ${dayAndTime(found.to)} UTC${found.domain === null ? '' : `, domain ${found.domain}`}${behind(found)}\n`,
    sumsOf(found)
      .map(([name, value]) => `${name.padEnd(11)} ${value}\n`)
      .join(''),
  ]
  const table = (heads: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length > 0) parts.push(renderTable(heads, rows))
  }
  const shares = ['requests', 'failed', 'tokens', 'cache hit', 'cost']
  table(
    ['domain', ...shares],
    found.by_domain.map((one) => [one.domain, ...share(one)]),
  )
  table(
    ['model', ...shares, 'p95'],
    found.by_model.map((one) => [one.model ?? '-', ...share(one), ms(one.response_time_ms.p95)]),
  )
  table(
    ['error', 'requests'],
    found.errors_by_type.map((one) => [one.error_type, count(one.requests)]),
  )
  table(
    ['account', 'quota', 'used', 'resets'],
    quota.map((one) => [
      one.account,
      one.window,
      `${one.percentage.toFixed(1)} %`,
      one.resets_at === null ? '-' : `${dayAndTime(one.resets_at)} UTC`,
    ]),
  )
  if (found.truncated) parts.push('The lists are cut to their largest entries.\n')
  return parts.join('\n')
}

function sumsOf(found: Stats): readonly (readonly [string, string])[] {
  const { total_tokens: tokens } = found
  const written = tokens.cache_write_5m + tokens.cache_write_1h
  return [
    ['requests', `${count(found.total_requests)} (${found.requests_per_minute.toFixed(1)} a minute)`],
    ['failed', `${count(found.failed_requests)} (${ratio(found.error_rate)})`],
    ['cancelled', count(found.cancelled_requests)],
    [
      'tokens',
      `${count(tokens.total)} (input ${count(tokens.input)}, output ${count(tokens.output)}, ` +
        `cache read ${count(tokens.cache_read)}, cache write ${count(written)})`,
    ],
    ['cache hit', ratio(found.cache_hit_ratio)],
    ['cost', usd(found.cost_usd)],
    ['total time', percentiles(found.response_time_ms)],
    ['first token', percentiles(found.ttft_ms)],
  ]
}

type Share = Pick<Stats['by_domain'][number], 'requests' | 'errors' | 'tokens' | 'cost_usd'>

function share({ requests, errors, tokens, cost_usd: cost }: Share): string[] {
  const prompt = tokens.total - tokens.output
  const hit = prompt === 0 ? null : tokens.cache_read / prompt
  return [count(requests), count(errors), count(tokens.total), ratio(hit), usd(cost)]
}

/** A whole minute is always on its way; more is worth a word. */
const behindMs = 3 * 60_000

function behind({ to, complete_to: completeTo }: Stats): string {
  if (completeTo === null || Date.parse(to) - Date.parse(completeTo) <= behindMs) return ''
  return `\nThe ledger is behind: complete up to ${dayAndTime(completeTo)} UTC; the rest is in the journal.`
}

const dayAndTime = (at: string): string => at.slice(0, 16).replace('T', ' ')
const count = (value: number): string => value.toLocaleString('en-US')
const usd = (value: number): string => `$${value.toFixed(value < 1 ? 4 : 2)}`
const ratio = (value: number | null): string => (value === null ? '-' : `${(value * 100).toFixed(1)} %`)
const ms = (value: number | null): string => (value === null ? '-' : `${count(Math.round(value))} ms`)
const percentiles = ({ p50, p95, p99 }: Stats['ttft_ms']): string => `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}`

/** What the API asks of the ledger, as the store answers it. Times are epoch milliseconds, money is USD. */
import type { LedgerExchange, RecentExchangesQuestion, SourceFilter } from '../core/recent-exchanges.ts'

export type { ExchangePlace, LedgerExchange } from '../core/recent-exchanges.ts'

export interface Buckets {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
}

export interface Sums {
  readonly requests: number
  /** Everything that did not end well, callers that left excepted. */
  readonly errors: number
  readonly tokens: Buckets
  readonly costUsd: number
}

export interface Range {
  /** Inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

export interface RangeFacts extends Range {
  readonly source: string
  readonly truncated: boolean
}

/** Null without samples. */
export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface StatsAnswer extends RangeFacts {
  readonly total: Sums
  readonly cancelled: number
  readonly responseTimeMs: Percentiles
  readonly ttftMs: Percentiles
  /** At most a few dozen rows each, largest first. */
  readonly byDomain: readonly ({ readonly domain: string } & Sums)[]
  readonly byModel: readonly ({
    readonly provider: string | null
    readonly model: string | null
    readonly responseTimeMs: Percentiles
  } & Sums)[]
  readonly errorsByType: readonly { readonly errorType: string; readonly requests: number }[]
}

export interface TimelineAnswer extends RangeFacts {
  /** The step of the points: the one asked for, or a longer one where finer sums are no longer kept. */
  readonly stepMs?: number
  /** One for each step that has traffic, ascending; the API fills the gaps. */
  readonly points: readonly ({
    readonly at: number
    readonly responseTimeP95Ms: number | null
    readonly ttftP95Ms: number | null
  } & Sums)[]
}

export interface AccountUsage extends Range {
  readonly account: string | null
  readonly requests: number
  readonly tokens: Buckets
  readonly costUsd: number
  /** Tokens; null where nobody told us. */
  readonly limit: number | null
  /** Share of the provider's own window that is used, in percent, as it told us; null where it did not. */
  readonly percentage: number | null
  readonly resetsAt: number | null
  /** Which tokens are counted. */
  readonly basis: string
  /** Who told of limit, percentage and reset: `header`, `rate_limit`, …, or `none`. */
  readonly source: string
  /** Age of what the provider told; null where it told nothing. */
  readonly sampleAgeSeconds: number | null
}

export interface DailyUsageAnswer extends RangeFacts {
  readonly rows: readonly {
    /** `YYYY-MM-DD`, UTC. */
    readonly date: string
    /** Absent in aggregated rows. */
    readonly domain?: string
    readonly model?: string | null
    readonly requests: number
    readonly tokens: Buckets
    readonly costUsd: number
  }[]
}

/** Whose rows are counted; `wire` where a question does not say. */
export interface Sourced {
  readonly source?: SourceFilter
}

/** What the dashboard may ask of the ledger: reading only. */
export interface ApiQueries {
  stats(range: Range & Sourced & { readonly domain: string | null }): Promise<StatsAnswer>
  timeline(
    range: Range & Sourced & { readonly domain: string | null; readonly stepMs: number },
  ): Promise<TimelineAnswer>
  /** One row per account with traffic in the range; exactly the one asked for with `account`, empty when it has none. */
  currentUsage(range: Range & Sourced & { readonly account: string | null }): Promise<readonly AccountUsage[]>
  dailyUsage(
    question: Range & Sourced & { readonly account: string | null; readonly aggregate: boolean },
  ): Promise<DailyUsageAnswer>
  /** At most `limit` rows. */
  recentExchanges(question: RecentExchangesQuestion): Promise<readonly LedgerExchange[]>
  exchangeById(id: string): Promise<LedgerExchange | null>
}

/** The question for rows of the ledger: asked by the API, answered by the store. */
import type { ExchangeSource, ImportedExchange, Outcome } from './exchange.ts'

/** A row of the ledger, which keeps all of the record but what is only of use in the journal. */
export interface LedgerExchange extends Omit<ImportedExchange, 'kind' | 'rateLimitHeaders'> {
  readonly source: ExchangeSource
}

/** What narrows a list of exchanges; what is left out narrows nothing. */
export interface ExchangeFilter {
  readonly domain?: string | undefined
  readonly account?: string | undefined
  readonly keyId?: string | undefined
  readonly provider?: string | undefined
  readonly model?: string | undefined
  readonly sessionId?: string | undefined
  readonly errorType?: string | undefined
  readonly outcome?: Outcome | undefined
  readonly status?: 'failed' | '2xx' | '4xx' | '5xx' | undefined
}

/** Whose rows a question is about. Left out, it is `wire`: what was measured here is never mixed up with what was told. */
export type SourceFilter = ExchangeSource | 'all'

/** Where a row stands in the order of the list. */
export interface ExchangePlace {
  readonly openedAt: number
  readonly id: string
}

/** Newest first. The page starts behind `after`, the place of the last row of the page before. */
export interface RecentExchangesQuestion {
  /** Epoch milliseconds, inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly after: ExchangePlace | null
  readonly limit: number
  readonly source?: SourceFilter
  readonly filter: ExchangeFilter
}

/**
 * Feeds a live hub from the ledger, for a dashboard on another machine than the gateway. It hears that a batch was
 * written, and reads what is new with one capped query. Calls that are still open are not in the ledger, so such a hub
 * knows none.
 */
import type { Clock } from '../core/clock.ts'
import type { ExchangeObserver } from '../core/exchange.ts'
import type { Logger } from '../core/logger.ts'
import type { ApiQueries } from './queries.ts'

const pauseMs = 500 // batches that come closer than this are read together
const rowsLimit = 200
/** Rows are found by when their call was opened; a call that lasted longer than this is in the lists, but not live. */
const lookBackMs = 30 * 60_000
const seenLimit = 5_000

export interface LedgerSourceOptions {
  /** Calls back after each batch written; gives the function that ends it. */
  readonly listen: (heard: () => void) => () => void
  readonly queries: Pick<ApiQueries, 'recentExchanges'>
  readonly observer: ExchangeObserver
  readonly clock: Clock
  readonly logger: Logger
}

/** Starts feeding; the returned function stops it. What was finished before the start is not told. */
export function startLedgerSource({ listen, queries, observer, clock, logger }: LedgerSourceOptions): () => void {
  const startedAt = clock.now()
  const seen = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let reading = false
  let heardMeanwhile = false
  let stopped = false

  async function read(): Promise<void> {
    const now = clock.now()
    const rows = await queries.recentExchanges({
      from: now - lookBackMs,
      to: now + 60_000, // clocks of other machines may be ahead
      after: null,
      limit: rowsLimit,
      filter: {},
    })
    for (const row of rows.toReversed()) {
      if (stopped || row.closedAt < startedAt || seen.has(row.id)) continue
      seen.add(row.id)
      const oldest = seen.values().next()
      if (seen.size > seenLimit && !oldest.done) seen.delete(oldest.value)
      // The rows are those of the wire, which are timed; the types tell them from imports by this alone.
      const { durationMs, overheadMs } = row
      if (durationMs === null || overheadMs === null) continue
      observer.exchangeClosed({ ...row, durationMs, overheadMs, kind: 'closed', rateLimitHeaders: null })
    }
  }

  function heard(): void {
    heardMeanwhile = true
    if (reading || timer !== undefined || stopped) return
    timer = setTimeout(() => {
      timer = undefined
      reading = true
      heardMeanwhile = false
      read()
        .catch((error: unknown) => {
          const reason = error instanceof Error ? error.message.slice(0, 200) : 'unknown'
          logger.warn('live_ledger_read_failed', 'Live events could not be read from the ledger', { reason })
        })
        .finally(() => {
          reading = false
          if (heardMeanwhile) heard()
        })
    }, pauseMs)
    timer.unref()
  }

  const stopListening = listen(heard)
  return () => {
    stopped = true
    clearTimeout(timer)
    stopListening()
  }
}

import type { ImportedExchange } from '../../core/exchange.ts'

/** One sample of an account's limits as the write statement takes it; times are epoch milliseconds. */
interface Sample {
  readonly account: string
  readonly slot: number
  readonly observed: number
  readonly exchange: string
  readonly headers: Readonly<Record<string, string>>
}

const slotMs = 10_000

/**
 * The samples of a batch: of each account the newest headers in each ten seconds. Busy accounts send other numbers with
 * every answer, and nobody needs them all.
 */
export function samplesOf(batch: readonly ImportedExchange[]): Sample[] {
  const newest = new Map<string, Sample>()
  for (const exchange of batch) {
    const { account, rateLimitHeaders } = exchange
    if (account === null || rateLimitHeaders === null) continue
    // The headers came with the first byte of the answer, not with its end.
    const observed = Math.round(exchange.openedAt + (exchange.ttftMs ?? exchange.durationMs ?? 0))
    const slot = observed - (observed % slotMs)
    const key = `${slot} ${account}`
    const known = newest.get(key)
    if (known !== undefined && known.observed >= observed) continue
    newest.set(key, {
      account: account.slice(0, 100),
      slot,
      observed,
      exchange: exchange.id,
      headers: rateLimitHeaders,
    })
  }
  return [...newest.values()]
}

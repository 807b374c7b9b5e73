import type { Endpoint, ExchangeOpened } from '../core/exchange.ts'

// Ten times what one machine serves at once. An id more costs 200 bytes.
const defaultLimit = 50_000

/**
 * The exchanges that are open, up to a limit. What was not remembered counts as never opened, so whoever pairs openings
 * and closings by it stays right when the limit is reached.
 */
export class OpenExchanges {
  readonly #open = new Map<
    string,
    { readonly endpoint: Endpoint; readonly provider: string | null; readonly streaming: boolean }
  >()
  readonly #limit: number

  constructor(limit: number = defaultLimit) {
    this.#limit = limit
  }

  /** False when it is open already or when there is no room. */
  add(exchange: ExchangeOpened): boolean {
    if (this.#open.size >= this.#limit || this.#open.has(exchange.id)) return false
    this.#open.set(exchange.id, {
      endpoint: exchange.endpoint,
      provider: exchange.provider,
      streaming: exchange.streaming,
    })
    return true
  }

  /** False when it was not open. */
  remove(id: string): boolean {
    return this.#open.delete(id)
  }

  get size(): number {
    return this.#open.size
  }

  values(): Iterable<{ readonly endpoint: Endpoint; readonly provider: string | null; readonly streaming: boolean }> {
    return this.#open.values()
  }
}

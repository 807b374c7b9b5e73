import type { ExchangeObserver } from '../core/exchange.ts'
import type { Logger } from '../core/logger.ts'

/**
 * All observers as one. They are not to throw; one that does all the same harms neither the others nor the ledger, and
 * is logged the first time.
 */
export function guardedObservers(observers: readonly ExchangeObserver[], logger: Logger): ExchangeObserver {
  const failed = new Set<ExchangeObserver>()
  const tell = (what: (observer: ExchangeObserver) => void): void => {
    for (const observer of observers) {
      try {
        what(observer)
      } catch (error) {
        if (failed.has(observer)) continue
        failed.add(observer)
        const reason = error instanceof Error ? error.message : 'unknown'
        logger.error('observer_failed', 'An observer of exchanges threw; it will not be logged again', { reason })
      }
    }
  }
  return {
    exchangeOpened: (exchange) => tell((observer) => observer.exchangeOpened(exchange)),
    exchangeClosed: (exchange) => tell((observer) => observer.exchangeClosed(exchange)),
  }
}

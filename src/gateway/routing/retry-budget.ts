import type { Clock } from '../../core/clock.ts'

/**
 * How much of the traffic may be tries again: a fifth of the calls, and a few for a gateway with little to do. Without it
 * an outage of a provider doubles the load on it.
 */
const perCall = 0.2
const capacity = 100
/** Refilled by time as well, so that the first calls after a quiet hour may be tried again. */
const perSecond = 1

export class RetryBudget {
  readonly #clock: Clock
  #tokens = 10
  #refilledAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#refilledAt = clock.monotonic()
  }

  called(): void {
    this.#tokens = Math.min(capacity, this.#tokens + perCall)
  }

  /** Takes one try from the budget; false where it is used up. */
  take(): boolean {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(capacity, this.#tokens + ((now - this.#refilledAt) / 1000) * perSecond)
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}

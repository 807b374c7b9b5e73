import type { Clock } from '../../core/clock.ts'

/**
 * Keeps calls off a target that fails: closed while it works, open after failures in a row, half open after a pause, when
 * one call may try it. Connections, timeouts and 5xx count as failures; what the caller did wrong does not.
 */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Failures in a row that open it: two tries of one call are no pattern, the next call's are. */
const failuresToOpen = 5
const firstPauseMs = 5_000
const lastPauseMs = 120_000

export class CircuitBreaker {
  readonly #clock: Clock
  #failures = 0
  #openedAt: number | null = null
  #pauseMs = firstPauseMs
  #isProbing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get state(): BreakerState {
    if (this.#openedAt === null) return 'closed'
    return this.#clock.monotonic() - this.#openedAt < this.#pauseMs ? 'open' : 'half-open'
  }

  /** Whether a call may go there now; in `half-open` the one that asks first is the probe, until it is reported. */
  allows(): boolean {
    const state = this.state
    if (state === 'closed') return true
    if (state === 'open' || this.#isProbing) return false
    this.#isProbing = true
    return true
  }

  succeeded(): void {
    this.#failures = 0
    this.#openedAt = null
    this.#pauseMs = firstPauseMs
    this.#isProbing = false
  }

  failed(): void {
    this.#failures++
    if (this.#openedAt !== null) {
      // Calls that began before it opened may end late; only a probe's failure makes the pause longer.
      if (!this.#isProbing) return
      this.#isProbing = false
      this.#pauseMs = Math.min(lastPauseMs, this.#pauseMs * 2)
      this.#openedAt = this.#clock.monotonic()
    } else if (this.#failures >= failuresToOpen) this.#openedAt = this.#clock.monotonic()
  }

  /** The call ended without telling anything about the target: its caller left. */
  abandoned(): void {
    this.#isProbing = false
  }
}

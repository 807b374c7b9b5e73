import type { Clock } from '../../core/clock.ts'
import type { Target } from '../../core/upstream.ts'
import { CircuitBreaker } from './circuit-breaker.ts'

/** Why a target was not even tried, in bounded words. */
export type Skipped = 'circuit_open' | 'resting' | 'full'

/**
 * A target as one worker knows it: how many calls are there, whether it works, whether it asked for a rest. Lives as long
 * as the configuration names it; its health outlives a reload.
 */
export class Place {
  readonly key: string
  readonly breaker: CircuitBreaker
  readonly #clock: Clock
  target: Target
  maxConcurrent: number | null
  #inUse = 0
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(key: string, target: Target, maxConcurrent: number | null, clock: Clock) {
    this.key = key
    this.target = target
    this.maxConcurrent = maxConcurrent
    this.breaker = new CircuitBreaker(clock)
    this.#clock = clock
  }

  get inUse(): number {
    return this.#inUse
  }

  get isResting(): boolean {
    return this.#clock.monotonic() < this.#restsUntil
  }

  /** Takes a seat, to be given back with `leave`; or says why there is none. */
  enter(): Skipped | null {
    if (this.isResting) return 'resting'
    if (this.maxConcurrent !== null && this.#inUse >= this.maxConcurrent) return 'full'
    if (!this.breaker.allows()) return 'circuit_open'
    this.#inUse++
    return null
  }

  /** Takes a seat though the place may be ill; false only where it is full. */
  enterAnyway(): boolean {
    if (this.maxConcurrent !== null && this.#inUse >= this.maxConcurrent) return false
    this.#inUse++
    return true
  }

  leave(): void {
    this.#inUse--
  }

  /** It said for how long it takes no more (a 429's `retry-after`). Only this place rests: limits are by model. */
  rest(milliseconds: number): void {
    this.#restsUntil = Math.max(this.#restsUntil, this.#clock.monotonic() + milliseconds)
  }
}

/** The only door to time. Rooms are handed a `Clock`; tests hand in one they move themselves. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch (integer). */
  now(): number
  /** Monotonic milliseconds with a fraction, for durations; its zero means nothing. */
  monotonic(): number
}

/** The machine's own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** Waiting times that double up to a limit; `reset` after a success. */
export interface Backoff {
  next(): number
  reset(): void
}

/** Twice as long each time, from the first to the limit. */
export function createBackoff(firstMs: number, limitMs: number): Backoff {
  let nextMs = firstMs
  return {
    next() {
      const now = nextMs
      nextMs = Math.min(nextMs * 2, limitMs)
      return now
    },
    reset() {
      nextMs = firstMs
    },
  }
}

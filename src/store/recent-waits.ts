/** How long statements waited for a connection lately: the newest few, which is enough for a percentile. */
export interface RecentWaits {
  add(ms: number): void
  /** Null before the first. */
  p95Ms(): number | null
}

const kept = 500

/** Bounded: only the last ones are kept. */
export function createRecentWaits(): RecentWaits {
  const waits: number[] = []
  let next = 0
  return {
    add(ms) {
      waits[next] = ms
      next = (next + 1) % kept
    },
    p95Ms() {
      const sorted = [...waits].sort((left, right) => left - right)
      return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null
    },
  }
}

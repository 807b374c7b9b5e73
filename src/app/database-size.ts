import type { Store } from '../store/index.ts'

const everyMs = 5 * 60_000

/** Knows the size of the database as of the last few minutes. Returns how to ask for it and how to stop looking. */
export function watchDatabaseSize(store: Pick<Store, 'ready' | 'sizeBytes'>): {
  /** Null before the first look. */
  bytes(): number | null
  stop(): void
} {
  let known: number | null = null
  const look = async (): Promise<void> => {
    // A database that is away is told of by the store; the last size stands.
    known = await store.sizeBytes().catch(() => known)
  }
  const timer = setInterval(() => void look(), everyMs)
  timer.unref()
  store.ready.then(look, () => undefined)
  return { bytes: () => known, stop: () => clearInterval(timer) }
}

import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { RetentionState } from '../core/signals.ts'
import type { Store } from '../store/index.ts'

/** Retention at work in the background. */
export interface RetentionSchedule {
  state(): RetentionState
  /** A run under way ends with the partition that it is at. */
  stop(): Promise<void>
}

interface RetentionOptions {
  readonly store: Pick<Store, 'ready' | 'jobs' | 'dropExpired' | 'partitionDaysAhead'>
  readonly clock: Clock
  readonly logger: Logger
  /** How often it looks whether a run is due; tests look more often. */
  readonly lookEveryMs?: number
}

/** The name of its lease and of its history. */
export const retentionJob = 'retention'
/** The state before the first run. */
export const noRetentionYet: RetentionState = {
  okTotal: 0,
  failedTotal: 0,
  bytesFreedTotal: 0,
  lastSuccessAt: null,
  partitionDaysAhead: null,
}
/** Partitions end at midnight (UTC), so looking a few times a day is soon enough. */
const everyMs = 6 * 3_600_000
const lookEveryMs = 5 * 60_000

/**
 * Drops what is too old, by itself: under the job's lease, so that of several instances on one database one does it. A
 * failure is logged, counted and tried again.
 */
export function startRetention(options: RetentionOptions): RetentionSchedule {
  const { store, clock, logger } = options
  const stopping = new AbortController()
  let state = noRetentionYet
  const look = async (): Promise<void> => {
    const startedAt = clock.monotonic()
    try {
      const run = await store.jobs.run(retentionJob, { everyMs }, async ({ signal }) => {
        try {
          return await store.dropExpired(AbortSignal.any([signal, stopping.signal]))
        } catch (error) {
          if (!stopping.signal.aborted) tellFailure(error)
          throw error
        }
      })
      if (run === null) return
      const { partitions_dropped: dropped = 0, partitions_made: made = 0, bytes_freed: bytes = 0 } = run.counts
      state = { ...state, okTotal: state.okTotal + 1, bytesFreedTotal: state.bytesFreedTotal + bytes }
      const fields = { dropped, made, bytes, ms: Math.round(clock.monotonic() - startedAt) }
      logger.info('retention_done', 'What was too old is gone', fields)
    } catch {
      // The work has said its own failures; a database that is away is told by the store.
    }
  }
  const tellFailure = (error: unknown): void => {
    state = { ...state, failedTotal: state.failedTotal + 1 }
    const reason = error instanceof Error ? error.message : String(error)
    logger.error('retention_failed', 'Old partitions could not be dropped; it is tried again', { error: reason })
  }
  const lookUp = async (): Promise<void> => {
    const last = (await store.jobs.latest()).find(({ name }) => name === retentionJob)
    const days = await store.partitionDaysAhead()
    state = { ...state, lastSuccessAt: last?.lastSuccessAt ?? null, partitionDaysAhead: days }
  }
  let looking = Promise.resolve()
  let busy = false
  const tick = (): void => {
    if (busy || stopping.signal.aborted) return
    busy = true
    looking = look()
      .then(lookUp)
      .catch(() => undefined)
      .finally(() => {
        busy = false
      })
  }
  const timer = setInterval(tick, options.lookEveryMs ?? lookEveryMs)
  timer.unref()
  store.ready.then(tick, () => undefined)
  return {
    state: () => state,
    async stop() {
      clearInterval(timer)
      stopping.abort(new Error('Signalbox stops'))
      await looking
    },
  }
}

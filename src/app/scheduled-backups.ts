import { stat } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { BackupState } from '../core/signals.ts'
import { dropOldBackups, prepareBackupDir } from '../store/backup/index.ts'
import type { JobCounts, JobRun, Store } from '../store/index.ts'
import { backupTo } from './backup.ts'

/** Backups at work in the background. */
export interface ScheduledBackups {
  state(): BackupState
  /** A backup under way is given up; nothing of it stays. */
  stop(): Promise<void>
}

interface ScheduledBackupsOptions {
  readonly config: Config
  /** Where the backups go. */
  readonly dir: string
  readonly store: Pick<Store, 'ready' | 'jobs' | 'connectionUrl'>
  readonly clock: Clock
  readonly logger: Logger
  /** How often it looks whether a backup is due; tests look more often. */
  readonly lookEveryMs?: number
}

/** The name of its lease and of its history. */
export const backupJob = 'backup'
/** The state before the first backup. */
export const noBackupYet: BackupState = {
  okTotal: 0,
  failedTotal: 0,
  lastSuccessAt: null,
  lastDurationMs: null,
  lastBytes: null,
}
const lookEveryMs = 60_000
/** The recorder runs in the same process and goes first; a gigabyte takes ten seconds longer for it. */
const partRestMs = 10
const hourMs = 3_600_000

/**
 * Backups by themselves: under the job's lease, so that of several instances on one database one makes them, and by the
 * job's history, so that a restart changes nothing. A failure is logged, counted and tried again; it stops nobody.
 */
export function startScheduledBackups(options: ScheduledBackupsOptions): ScheduledBackups {
  const { config, store, logger } = options
  const stopping = new AbortController()
  const told: { current: BackupState } = { current: noBackupYet }
  const everyMs = config.backup.everyHours * hourMs

  const look = async (): Promise<void> => {
    try {
      await store.jobs.run(backupJob, { everyMs }, async (run) => {
        const startedAt = options.clock.monotonic()
        try {
          const counts = await makeBackup(options, run, stopping.signal)
          told.current = { ...told.current, okTotal: told.current.okTotal + 1 }
          const fields = {
            rows: counts.rows,
            bytes: counts.bytes,
            ms: Math.round(options.clock.monotonic() - startedAt),
          }
          logger.info('backup_made', 'The ledger was backed up', fields)
          return counts
        } catch (error) {
          if (!stopping.signal.aborted) {
            told.current = { ...told.current, failedTotal: told.current.failedTotal + 1 }
            logger.error('backup_failed', 'The scheduled backup failed; it is tried again', { error: messageOf(error) })
          }
          throw error
        }
      })
      told.current = { ...told.current, ...(await lastSuccess(store)) }
    } catch {
      // The work has said its own failures; a database that is away is told by the store.
    }
  }
  let looking = Promise.resolve()
  let busy = false
  const tick = (): void => {
    if (busy || stopping.signal.aborted) return
    busy = true
    looking = look().finally(() => {
      busy = false
    })
  }
  const timer = setInterval(tick, options.lookEveryMs ?? lookEveryMs)
  timer.unref()
  store.ready.then(tick, () => undefined)
  return {
    state: () => told.current,
    async stop() {
      clearInterval(timer)
      stopping.abort(new Error('Signalbox stops'))
      await looking
    },
  }
}

async function makeBackup(
  { config, dir, store, clock }: ScheduledBackupsOptions,
  run: JobRun,
  stopping: AbortSignal,
): Promise<JobCounts & { rows: number; bytes: number }> {
  await prepareBackupDir(dir)
  if (!(await stat(dir)).isDirectory()) throw new Error(`BACKUP_DIR ${dir} is no directory.`)
  const { rows, bytes } = await backupTo(config, store.connectionUrl(), {
    target: dir,
    withPepper: config.backup.withPepper,
    clock,
    restMs: partRestMs,
    signal: AbortSignal.any([run.signal, stopping]),
    onProgress: (done) => run.report({ rows: done }),
  })
  const filesDropped = await dropOldBackups(dir, config.backup.keep, clock.now())
  return { rows, bytes: bytes ?? 0, files_dropped: filesDropped }
}

/** Of whichever instance made it. */
async function lastSuccess({
  jobs,
}: Pick<Store, 'jobs'>): Promise<Pick<BackupState, 'lastSuccessAt' | 'lastDurationMs' | 'lastBytes'>> {
  const history = await jobs.history({ name: backupJob, limit: 100 })
  const last = history.find(({ outcome }) => outcome === 'ok')
  if (last === undefined || last.finishedAt === null)
    return { lastSuccessAt: null, lastDurationMs: null, lastBytes: null }
  return {
    lastSuccessAt: last.finishedAt,
    lastDurationMs: last.finishedAt - last.startedAt,
    lastBytes: last.counts.bytes ?? null,
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

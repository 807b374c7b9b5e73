import { hostname } from 'node:os'
import process from 'node:process'
import type { Clock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import type { Sql } from './sql.ts'
import { messageOf } from './store-error.ts'

export type JobOutcome = 'running' | 'ok' | 'failed' | 'abandoned'

/** What a run did, by name, such as `{ partitions_dropped: 2 }`. Numbers only: the history is shown to everybody. */
export type JobCounts = Readonly<Record<string, number>>

/** One run of a job, as the history keeps it. Times are epoch milliseconds by the database's clock. */
export interface JobRecord {
  readonly id: string
  readonly name: string
  /** `host:pid` of the instance that ran it. */
  readonly instance: string
  readonly startedAt: number
  /** Null while it runs. */
  readonly finishedAt: number | null
  /** `abandoned`: its instance died, or lost the database for longer than its lease. */
  readonly outcome: JobOutcome
  readonly counts: JobCounts
  /** Why it failed, for people. */
  readonly error: string | null
}

/** What the work of a job is given. */
export interface JobRun {
  readonly id: string
  /** Aborted once the lease is lost: somebody else may do the same work from then on. */
  readonly signal: AbortSignal
  /** Figures of work under way; they are in the history within some seconds. */
  report(counts: JobCounts): void
}

export interface JobTerms {
  /** Not before the last good run began this long ago. Left out: at once. */
  readonly everyMs?: number
  /** A run that failed is tried again after this time; 15 minutes, or `everyMs` where that is shorter. */
  readonly retryMs?: number
}

/** Work that exactly one instance does at a time, with a history. All times are those of the database's clock. */
export interface Jobs {
  /**
   * Does `work` under the job's lease and records the run. Null where another instance is at it, or it is not due.
   * Rejects with the error of `work`, after that was recorded, and where the database is away.
   */
  run(name: string, terms: JobTerms, work: (run: JobRun) => Promise<JobCounts>): Promise<JobRecord | null>
  /** Newest first; of all jobs, or of one. */
  history(question?: { readonly name?: string; readonly limit?: number }): Promise<readonly JobRecord[]>
  /** The last run of each job, and when one last ended well. */
  latest(): Promise<readonly (JobRecord & { readonly lastSuccessAt: number | null })[]>
}

interface JobsOptions {
  readonly sql: Sql
  readonly clock: Clock
  readonly logger: Logger
  /** For tests; the defaults are right for everything else. */
  readonly leaseMs?: number
}

const defaultLeaseMs = 60_000
/** A lease survives two renewals that fail. */
const renewalsPerLease = 4
const defaultRetryMs = 15 * 60_000
const historyKept = 500
const historyLimit = 500
const errorLength = 300

/** Work that one instance of all does: leases and history are tables. */
export function createJobs(options: JobsOptions): Jobs {
  const { sql, clock, leaseMs = defaultLeaseMs } = options
  return {
    async run(name, terms, work) {
      const everyMs = terms.everyMs ?? 0
      const due = { everyMs, retryMs: terms.retryMs ?? Math.min(everyMs, defaultRetryMs) }
      // A look without a lock first: most calls of a schedule end here and write nothing.
      if (!(await isDue(sql, name, due))) return null
      const id = uuidv7(clock.now())
      if (!(await takeLease(sql, name, id, leaseMs))) return null
      if (!(await beginRun(sql, name, id, due))) {
        await releaseLease(sql, name, id)
        return null
      }
      return doWork(options, { id, name, leaseMs }, work)
    },
    async history({ name, limit = 50 } = {}) {
      const rows = await sql.query<Row>(
        'job-history',
        `SELECT * FROM job_runs WHERE $1::text IS NULL OR name = $1 ORDER BY started_at DESC, id DESC LIMIT $2`,
        [name ?? null, Math.min(limit, historyLimit)],
      )
      return rows.map(fromRow)
    },
    async latest() {
      const rows = await sql.query<Row & { last_success_at: Date | null }>(
        'latest-jobs',
        `SELECT DISTINCT ON (name) *,
           (SELECT max(finished_at) FROM job_runs AS good WHERE good.name = job_runs.name AND good.outcome = 'ok') AS last_success_at
         FROM job_runs ORDER BY name, started_at DESC, id DESC`,
      )
      return rows.map((row) => ({ ...fromRow(row), lastSuccessAt: row.last_success_at?.getTime() ?? null }))
    },
  }
}

interface Due {
  readonly everyMs: number
  readonly retryMs: number
}

/** True for nobody but a run that is too young to be followed by another. $1 name, $2 everyMs, $3 retryMs. */
const tooEarly = `EXISTS (
  SELECT 1 FROM job_runs WHERE name = $1
    AND started_at > now() - (CASE WHEN outcome = 'ok' THEN $2 ELSE $3 END)::float8 * interval '1 millisecond')`

async function isDue(sql: Sql, name: string, { everyMs, retryMs }: Due): Promise<boolean> {
  const [row] = await sql.query<{ due: boolean }>(
    'job-due',
    `SELECT NOT ${tooEarly} AND NOT EXISTS (SELECT 1 FROM job_leases WHERE name = $1 AND expires_at > now()) AS due`,
    [name, everyMs, retryMs],
  )
  return row?.due === true
}

async function takeLease(sql: Sql, name: string, id: string, leaseMs: number): Promise<boolean> {
  const rows = await sql.query(
    'take-job-lease',
    `INSERT INTO job_leases AS held (name, run_id, expires_at)
     VALUES ($1, $2::uuid, now() + $3::float8 * interval '1 millisecond')
     ON CONFLICT (name) DO UPDATE SET run_id = excluded.run_id, expires_at = excluded.expires_at
       WHERE held.expires_at <= now()
     RETURNING run_id`,
    [name, id, leaseMs],
  )
  return rows.length === 1
}

async function releaseLease(sql: Sql, name: string, id: string): Promise<void> {
  await sql.query(
    'release-job-lease',
    `UPDATE job_leases SET expires_at = '-infinity' WHERE name = $1 AND run_id = $2::uuid`,
    [name, id],
  )
}

/** With the lease in hand nobody else can begin a run, so this look is the one that counts. */
async function beginRun(sql: Sql, name: string, id: string, { everyMs, retryMs }: Due): Promise<boolean> {
  const rows = await sql.query(
    'begin-job-run',
    `WITH abandoned AS (
       UPDATE job_runs SET outcome = 'abandoned', finished_at = now() WHERE name = $1 AND outcome = 'running')
     INSERT INTO job_runs (id, name, instance) SELECT $4::uuid, $1, $5 WHERE NOT ${tooEarly}
     RETURNING id`,
    [name, everyMs, retryMs, id, `${hostname()}:${process.pid}`],
  )
  return rows.length === 1
}

const leaseLost = (): Error => new Error('the lease of this job was lost')

interface Held {
  readonly id: string
  readonly name: string
  readonly leaseMs: number
}

async function doWork(options: JobsOptions, held: Held, work: (run: JobRun) => Promise<JobCounts>): Promise<JobRecord> {
  const { sql, logger } = options
  const abort = new AbortController()
  let counts: JobCounts = {}
  const stopRenewing = keepLease(options, held, {
    counts: () => counts,
    lost() {
      logger.warn('job_lease_lost', 'A job lost its lease and stops', { job: held.name })
      abort.abort(leaseLost())
    },
  })
  try {
    counts = await work({
      id: held.id,
      signal: abort.signal,
      report(figures) {
        counts = figures
      },
    })
    stopRenewing()
    return await endRun(sql, held, { outcome: 'ok', counts, error: null })
  } catch (error) {
    stopRenewing()
    const end = { outcome: 'failed', counts, error: messageOf(error).slice(0, errorLength) } as const
    // What went wrong first is what the caller has to hear of; a run that can not be ended is found abandoned.
    await endRun(sql, held, end).catch(() => undefined)
    throw error
  }
}

/** Renews the lease while the work goes on; the returned function ends that. */
function keepLease(
  { sql, clock }: JobsOptions,
  { id, name, leaseMs }: Held,
  on: { counts(): JobCounts; lost(): void },
): () => void {
  let renewedAt = clock.monotonic()
  let asking = false
  const stop = (): void => clearInterval(timer)
  const renew = async (): Promise<void> => {
    const rows = await sql.query(
      'renew-job-lease',
      `WITH told AS (UPDATE job_runs SET counts = $4::jsonb WHERE id = $2::uuid AND outcome = 'running')
       UPDATE job_leases SET expires_at = now() + $3::float8 * interval '1 millisecond'
       WHERE name = $1 AND run_id = $2::uuid RETURNING run_id`,
      [name, id, leaseMs, JSON.stringify(on.counts())],
    )
    if (rows.length === 1) renewedAt = clock.monotonic()
    else renewedAt = Number.NEGATIVE_INFINITY
  }
  const timer = setInterval(() => {
    if (clock.monotonic() - renewedAt > leaseMs) {
      stop()
      on.lost()
    } else if (!asking) {
      asking = true
      // A renewal that fails is tried again; too many of them, and the lease counts as lost.
      renew()
        .catch(() => undefined)
        .finally(() => {
          asking = false
        })
    }
  }, leaseMs / renewalsPerLease)
  timer.unref()
  return stop
}

async function endRun(
  sql: Sql,
  { id, name }: Held,
  end: { readonly outcome: 'ok' | 'failed'; readonly counts: JobCounts; readonly error: string | null },
): Promise<JobRecord> {
  const [row] = await sql.query<Row>(
    'end-job-run',
    `WITH released AS (UPDATE job_leases SET expires_at = '-infinity' WHERE name = $1 AND run_id = $2::uuid),
     forgotten AS (
       DELETE FROM job_runs WHERE name = $1 AND id IN (
         SELECT id FROM job_runs WHERE name = $1 ORDER BY started_at DESC OFFSET ${historyKept}))
     UPDATE job_runs SET outcome = $3, counts = $4::jsonb, error = $5, finished_at = now()
     WHERE id = $2::uuid AND outcome = 'running' RETURNING *`,
    [name, id, end.outcome, JSON.stringify(end.counts), end.error],
  )
  // Nobody else ends a run that goes on, so another instance has taken it for dead.
  if (row === undefined) throw leaseLost()
  return fromRow(row)
}

interface Row {
  readonly id: string
  readonly name: string
  readonly instance: string
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly outcome: JobOutcome
  readonly counts: JobCounts
  readonly error: string | null
}

const fromRow = (row: Row): JobRecord => ({
  id: row.id,
  name: row.name,
  instance: row.instance,
  startedAt: row.started_at.getTime(),
  finishedAt: row.finished_at?.getTime() ?? null,
  outcome: row.outcome,
  counts: row.counts,
  error: row.error,
})

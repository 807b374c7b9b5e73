import type { Pool } from 'pg'
import type { Retention } from './config.ts'
import type { JobCounts } from './jobs.ts'
import { ensurePartitions, listPartitions, type Partition } from './partitions.ts'
import type { Held } from './queries/rollup-range.ts'
import { withShortLocks } from './short-locks.ts'
import { codeOf } from './store-error.ts'
import { timeTables } from './time-tables.ts'

const dayMs = 86_400_000

/** How long rows of a table are kept, in milliseconds; null for good, and for tables that do not age. */
export function keptFor(table: string, retention: Retention): number | null {
  const tier = timeTables().find((each) => each.name === table)?.tier
  const days = tier === undefined ? 0 : retention[tier]
  return days === 0 ? null : days * dayMs
}

/**
 * Since when sums by minute and by hour are certainly there. Partitions are dropped as a whole and so a while later, but
 * the figures of a range should not depend on whether that has happened yet.
 */
export function heldSince(retention: Retention, now: number): Held {
  const since = (table: string): number => now - (keptFor(table, retention) ?? Number.POSITIVE_INFINITY)
  return { minute: since('rollup_minute'), hour: since('rollup_hour') }
}

/**
 * The partitions that retention lets go: those whose every row is too old. Their bounds are those of days, months and
 * years (UTC), and so are the bounds of the sums, so what is left of rows and of sums still adds up.
 */
export function expiredPartitions(present: readonly Partition[], retention: Retention, now: number): Partition[] {
  return present.filter(({ table, to }) => {
    const kept = keptFor(table, retention)
    return kept !== null && to <= now - kept
  })
}

/** Days from now on for which the ledger has partitions without a gap. */
export async function partitionDaysAhead(pool: Pool, now: number): Promise<number> {
  let covered = now
  // They come in the order of their time.
  for (const { table, from, to } of await listPartitions(pool))
    if (table === 'api_requests' && from <= covered && to > covered) covered = to
  return (covered - now) / dayMs
}

export interface DropOptions {
  readonly pool: Pool
  readonly retention: Retention
  readonly rawUnit: 'day' | 'month'
  /** Epoch milliseconds. */
  readonly now: number
  /** Ends the work between two partitions. */
  readonly signal: AbortSignal
  readonly onDropped: (partition: Partition, bytes: number) => void
}

/**
 * Drops what is too old, oldest first, one partition at a time; what is done stays done when a later one fails. No lock is
 * waited for longer than a moment (see short-locks.ts), so neither recorder nor dashboard wait for it.
 *
 * Not `DETACH … CONCURRENTLY`, which PostgreSQL refuses for a table with a default partition.
 * Throws an error that names the partition, where its lock is not to be had: a question has been looking into it all along.
 */
export async function dropExpired(options: DropOptions): Promise<JobCounts> {
  const { pool, retention, now, signal, onDropped } = options
  // Old rows may sit in a default partition (a late recorder, an import): first they get partitions, which then are dropped.
  const made = await ensurePartitions(pool, now, { rawUnit: options.rawUnit })
  const client = await pool.connect()
  let broken: unknown
  const counts = { partitions_made: made.length, partitions_dropped: 0, bytes_freed: 0 }
  try {
    const expired = expiredPartitions(await listPartitions(client), retention, now)
    for (const partition of expired) {
      signal.throwIfAborted()
      const { table, name } = partition
      const { rows } = await client.query<{ bytes: number }>(
        'select pg_total_relation_size(to_regclass($1))::float8 as bytes',
        [name],
      )
      const drop = () => client.query(`alter table ${table} detach partition ${name}; drop table ${name}`)
      await withShortLocks(client, drop, signal).catch((error: unknown) => {
        throw codeOf(error) === '55P03'
          ? new Error(`${name} is in use and can not be dropped now`, { cause: error })
          : error
      })
      const bytes = rows[0]?.bytes ?? 0
      counts.partitions_dropped += 1
      counts.bytes_freed += bytes
      onDropped(partition, bytes)
    }
    return counts
  } catch (error) {
    broken = error
    throw error
  } finally {
    client.release(broken !== undefined)
  }
}

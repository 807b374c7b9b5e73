import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

interface Row {
  readonly commits: number
  readonly rollbacks: number
  readonly blocks_hit: number
  readonly blocks_read: number
  readonly deadlocks: number
  readonly conflicts: number
  readonly temp_files: number
  readonly temp_bytes: number
  readonly checksum_failures: number | null
  readonly stats_since: string | null
}

/** The counters of our database. */
export async function traffic(sql: Sql) {
  const [row] = await sql.query<Row>(
    'database-traffic',
    `SELECT xact_commit AS commits, xact_rollback AS rollbacks, blks_hit AS blocks_hit, blks_read AS blocks_read, deadlocks, conflicts,
      temp_files, temp_bytes, checksum_failures, ${isoSql('stats_reset')} AS stats_since
     FROM pg_stat_database WHERE datname = current_database()`,
  )
  if (row === undefined) return null
  return {
    ...row,
    rollback_ratio: ratio(row.rollbacks, row.commits + row.rollbacks),
    cache_hit_ratio: ratio(row.blocks_hit, row.blocks_hit + row.blocks_read),
  }
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)

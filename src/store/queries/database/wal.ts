import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'
import type { ServerFacts } from './server-facts.ts'

interface WalRow {
  readonly bytes: number
  readonly full_page_images: number
  readonly wal_since: string | null
}

interface CheckpointRow {
  readonly checkpoints_timed: number
  readonly checkpoints_requested: number
  readonly checkpoint_write_ms: number
  readonly checkpoint_sync_ms: number
  readonly checkpoint_buffers: number
  readonly checkpoints_since: string | null
}

/** Checkpoints have a view of their own since PostgreSQL 17; before, they stood with the background writer. */
const checkpointColumns = {
  before17: `checkpoints_timed, checkpoints_req AS checkpoints_requested, checkpoint_write_time AS checkpoint_write_ms,
    checkpoint_sync_time AS checkpoint_sync_ms, buffers_checkpoint AS checkpoint_buffers,
    ${isoSql('stats_reset')} AS checkpoints_since FROM pg_stat_bgwriter`,
  since17: `num_timed AS checkpoints_timed, num_requested AS checkpoints_requested, write_time AS checkpoint_write_ms,
    sync_time AS checkpoint_sync_ms, buffers_written AS checkpoint_buffers,
    ${isoSql('stats_reset')} AS checkpoints_since FROM pg_stat_checkpointer`,
}

/** What the server writes ahead, and its checkpoints. */
export async function wal(sql: Sql, { version_number }: ServerFacts) {
  const columns = version_number >= 170_000 ? checkpointColumns.since17 : checkpointColumns.before17
  const [written] = await sql.query<WalRow>(
    'database-wal',
    `SELECT wal_bytes AS bytes, wal_fpi AS full_page_images, ${isoSql('stats_reset')} AS wal_since FROM pg_stat_wal`,
  )
  const [checkpoints] = await sql.query<CheckpointRow>('database-checkpoints', `SELECT ${columns}`)
  return {
    bytes: written?.bytes ?? null,
    full_page_images: written?.full_page_images ?? null,
    wal_since: written?.wal_since ?? null,
    checkpoints_timed: checkpoints?.checkpoints_timed ?? null,
    checkpoints_requested: checkpoints?.checkpoints_requested ?? null,
    checkpoint_write_ms: checkpoints?.checkpoint_write_ms ?? null,
    checkpoint_sync_ms: checkpoints?.checkpoint_sync_ms ?? null,
    checkpoint_buffers: checkpoints?.checkpoint_buffers ?? null,
    checkpoints_since: checkpoints?.checkpoints_since ?? null,
  }
}

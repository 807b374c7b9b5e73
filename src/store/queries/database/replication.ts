import type { Sql } from '../../sql.ts'

interface Replica {
  readonly name: string
  readonly state: string | null
  readonly sync: string | null
  readonly lag_seconds: number | null
  readonly lag_bytes: number | null
}

interface Slot {
  readonly name: string
  readonly active: boolean
  readonly retained_bytes: number | null
}

const rowsLimit = 20
/** A replica writes no log of its own, so its place is what it has received. */
const here = `CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END`

/** Replicas, the slots that keep log files for them, and how far behind this server is if it is one itself. */
export async function replication(sql: Sql) {
  const [own] = await sql.query<{ replay_lag_seconds: number | null }>(
    'database-replay-lag',
    // A replica that has replayed all it received is not behind, however long ago the last transaction was.
    `SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL
      WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
      ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END AS replay_lag_seconds`,
  )
  const replicas = await sql.query<Replica>(
    'database-replicas',
    `SELECT coalesce(nullif(application_name, ''), 'unnamed') AS name, state, sync_state AS sync,
      extract(epoch FROM replay_lag) AS lag_seconds, pg_wal_lsn_diff(${here}, replay_lsn) AS lag_bytes
     FROM pg_stat_replication ORDER BY replay_lag DESC NULLS LAST LIMIT ${rowsLimit}`,
  )
  const slots = await sql.query<Slot>(
    'database-replication-slots',
    `SELECT slot_name AS name, active, pg_wal_lsn_diff(${here}, restart_lsn) AS retained_bytes
     FROM pg_replication_slots ORDER BY 3 DESC NULLS LAST LIMIT ${rowsLimit}`,
  )
  return { replay_lag_seconds: own?.replay_lag_seconds ?? null, replicas, slots }
}

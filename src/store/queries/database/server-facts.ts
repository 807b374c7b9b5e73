import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

/** What the server is and what our role may see. The other questions depend on it. */
export interface ServerFacts {
  readonly version: string
  /** Such as 180004. */
  readonly version_number: number
  readonly database: string
  readonly role: string
  readonly started_at: string | null
  readonly is_replica: boolean
  readonly stats_since: string | null
  readonly max_connections: number
  readonly reserved: number
  /** Statements of other roles, settings, all the views of statistics. */
  readonly may_read_statistics: boolean
  readonly may_read_settings: boolean
}

export async function serverFacts(sql: Sql): Promise<ServerFacts> {
  const [row] = await sql.query<ServerFacts>(
    'database-server',
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,
      current_database() AS database, current_user AS role, ${isoSql('pg_postmaster_start_time()')} AS started_at,
      pg_is_in_recovery() AS is_replica,
      (SELECT ${isoSql('stats_reset')} FROM pg_stat_database WHERE datname = current_database()) AS stats_since,
      current_setting('max_connections')::int AS max_connections,
      current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
      pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_read_statistics,
      pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS may_read_settings`,
  )
  if (row === undefined) throw new Error('the server told nothing of itself')
  return row
}

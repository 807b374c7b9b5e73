import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

/** The steps that brought the schema to where it is, in order. */
export async function appliedMigrations(sql: Sql) {
  return sql.query<{ name: string; applied_at: string | null }>(
    'database-migrations',
    // The runner keeps its time as text.
    `SELECT name, ${isoSql('timestamp::timestamptz')} AS applied_at FROM signalbox_migrations ORDER BY name LIMIT 200`,
  )
}

import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import { migrations } from './migrations/index.ts'

/**
 * Brings the database to this version's schema and returns the names of the migrations it ran (none when it was up to
 * date). All of them run in one transaction under an advisory lock: several processes may start at once, and a failure
 * leaves the schema as it was.
 */
export async function migrate(pool: Pool): Promise<string[]> {
  // The pool belongs to the caller, so this handle is not destroyed: that would end the pool.
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) })
  const migrator = new Migrator({
    db,
    migrationTableName: 'signalbox_migrations',
    migrationLockTableName: 'signalbox_migrations_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          migrations.map(({ name, sql: text }) => [
            name,
            { up: async (tx: Kysely<unknown>) => void (await sql.raw(text).execute(tx)) },
          ]),
        ),
    },
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
  return (results ?? []).filter((each) => each.status === 'Success').map((each) => each.migrationName)
}

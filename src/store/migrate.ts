import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import { migrations } from './migrations/index.ts'
import { codeOf, StoreError } from './store-error.ts'

/** A step of the schema, with the SQL that it runs. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** A step is about to run, the first being number 1. */
export type OnMigrationStep = (step: { readonly name: string; readonly number: number; readonly total: number }) => void

/** Everything here was tested with this version and newer ones. */
export const oldestServer = 15

/**
 * Brings the database to this version's schema and returns the names of the migrations it ran (none when it was up to
 * date). All of them run in one transaction under an advisory lock: several processes may start at once, and a failure
 * leaves the schema as it was.
 * Throws `StoreError` where trying again can not help: `server_too_old`, `schema_newer`, `rights_missing`.
 */
export async function migrate(
  pool: Pool,
  steps: readonly Migration[] = migrations,
  onStep: OnMigrationStep = () => undefined,
): Promise<string[]> {
  const pending = await pendingMigrations(pool, steps)
  const migrator = migratorOf(pool, steps, (name) => {
    const index = pending.findIndex((step) => step.name === name)
    onStep({ name, number: index + 1, total: pending.length })
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined) {
    // A newer program may have come in between the look and the lock.
    await refuseNewerSchema(pool, steps)
    throw codeOf(error) === '42501' ? await rightsMissing(pool, error) : error
  }
  return (results ?? []).filter((each) => each.status === 'Success').map((each) => each.migrationName)
}

/** The steps that `migrate` would run, in order. Changes nothing. Throws as `migrate` does. */
export async function pendingMigrations(pool: Pool, steps: readonly Migration[] = migrations): Promise<Migration[]> {
  await refuseOldServer(pool)
  const done = await refuseNewerSchema(pool, steps)
  return steps.filter(({ name }) => !done.has(name))
}

function migratorOf(pool: Pool, steps: readonly Migration[], onStep: (name: string) => void): Migrator {
  // The pool belongs to the caller, so this handle is not destroyed: that would end the pool.
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) })
  return new Migrator({
    db,
    migrationTableName: 'signalbox_migrations',
    migrationLockTableName: 'signalbox_migrations_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          steps.map(({ name, sql: text }) => [
            name,
            {
              up: async (tx: Kysely<unknown>) => {
                onStep(name)
                await sql.raw(text).execute(tx)
              },
            },
          ]),
        ),
    },
  })
}

async function refuseOldServer(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ number: string; version: string }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
  )
  const [row] = rows
  if (row === undefined || Number(row.number) >= oldestServer * 10_000) return
  throw new StoreError(
    'server_too_old',
    `The database server is PostgreSQL ${row.version}; Signalbox needs version ${oldestServer} or newer. Upgrade the server, or leave DATABASE_URL out for the embedded one.`,
  )
}

/** The names of what ran. An older program must not write into a schema that it does not know. */
async function refuseNewerSchema(pool: Pool, steps: readonly Migration[]): Promise<ReadonlySet<string>> {
  const { rows: found } = await pool.query<{ found: boolean }>(
    `select to_regclass('signalbox_migrations') is not null as found`,
  )
  if (found[0]?.found !== true) return new Set()
  const { rows } = await pool.query<{ name: string }>('select name from signalbox_migrations order by name')
  const unknown = rows.filter(({ name }) => !steps.some((step) => step.name === name)).map(({ name }) => name)
  if (unknown.length > 0) {
    throw new StoreError(
      'schema_newer',
      `The database was migrated by a newer Signalbox (${unknown.join(', ')}), and this one does not know its schema: nothing was written. Start the newer version, or restore a backup made by this one into another database.`,
    )
  }
  return new Set(rows.map(({ name }) => name))
}

async function rightsMissing(pool: Pool, cause: unknown): Promise<StoreError> {
  const { rows } = await pool.query<{ role: string; schema: string }>(
    `select quote_ident(current_user) as role, coalesce(quote_ident(current_schema()), 'public') as schema`,
  )
  const { role = '', schema = '' } = rows[0] ?? {}
  return new StoreError(
    'rights_missing',
    `The database user ${role} may not make the tables of Signalbox. As the database's owner run: GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role};`,
    { cause },
  )
}

/** True for what only a person can change: waiting for the database does not help. */
export function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && ['server_too_old', 'schema_newer', 'rights_missing'].includes(error.code)
}

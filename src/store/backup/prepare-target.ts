import { Kysely, Migrator, PostgresDialect, type PostgresPoolClient, sql } from 'kysely'
import type pg from 'pg'
import { BackupError } from './backup-error.ts'
import { migrationsApplied, tablesPresent } from './describe-ledger.ts'
import {
  bookkeepingTables,
  ledgerObjects,
  type Migration,
  migrationLockTable,
  migrationTable,
} from './ledger-objects.ts'
import type { Manifest, TableEntry } from './manifest.ts'
import { quoted } from './session.ts'

/** Throws `too_new` where the backup has seen a schema step that this program does not know. */
export function refuseNewer(manifest: Manifest, known: readonly Migration[]): void {
  const unknown = manifest.migrations.find((name, index) => known[index]?.name !== name)
  if (unknown === undefined) return
  const { signalbox_version: madeBy } = manifest
  throw new BackupError(
    'too_new',
    `The backup was made by Signalbox ${madeBy} and has the schema step ${unknown}, which this version does not know. Restore it with Signalbox ${madeBy} or later.`,
  )
}

/**
 * Throws `target_in_use` where the database has a ledger worth keeping or another Signalbox is connected, which is what
 * `--force` overrules; and `too_new` for a schema of a newer version, which nothing does.
 */
export async function refuseInUse(client: pg.Client, known: readonly Migration[], force: boolean): Promise<void> {
  await migrationsApplied(client, known)
  if (force) return
  // A running instance asks something every few seconds. A pooler keeps connections, name and all, long after their
  // client has gone; what the role may not see counts as busy.
  const { rows: others } = await client.query<{ pid: number; name: string }>(
    `select pid, application_name as name from pg_stat_activity
     where datname = current_database() and application_name like 'signalbox %' and pid <> pg_backend_pid()
       and (coalesce(state, 'active') <> 'idle' or state_change > now() - interval '30 seconds') order by pid`,
  )
  if (others.length > 0) {
    const named = others.slice(0, 3).map(({ pid, name }) => `${name} (process ${pid} of the server)`)
    throw new BackupError(
      'target_in_use',
      `A running Signalbox is connected to this database: ${named.join(', ')}. Stop it, or add --force to replace the ledger under it.`,
    )
  }
  const full: string[] = []
  for (const name of await tablesPresent(client, ledgerObjects(known))) {
    if (name === migrationTable || bookkeepingTables.has(name)) continue
    const { rows } = await client.query<{ full: boolean }>(`select exists (select 1 from ${quoted(name)}) as full`)
    if (rows[0]?.full === true) full.push(name)
  }
  if (full.length === 0) return
  throw new BackupError(
    'target_in_use',
    `The database has a ledger already: there are rows in ${full.join(', ')}. Restore into an empty database, or add --force to replace this one for good.`,
  )
}

/**
 * Leaves the transaction with the backup's own schema, empty, and the partitions it had. Where the database has that very
 * schema its tables are only emptied, and so keep what others attached to them: grants, views.
 */
export async function prepareTables(client: pg.Client, manifest: Manifest, known: readonly Migration[]): Promise<void> {
  const objects = ledgerObjects(known)
  const present = await tablesPresent(client, objects)
  const applied = await migrationsApplied(client, known)
  if (applied.join() === manifest.migrations.join()) {
    const names = present.filter((name) => name !== migrationTable).map(quoted)
    await client.query(`lock table ${names.join(', ')} in access exclusive mode`)
    await client.query(`truncate ${names.join(', ')} restart identity`)
  } else {
    await dropLedger(client, present)
    await migrateWithin(client, known.slice(0, manifest.migrations.length))
  }
  for (const table of manifest.tables) await makePartitions(client, table)
}

async function dropLedger(client: pg.Client, present: readonly string[]): Promise<void> {
  if (present.length > 0) await client.query(`drop table ${present.map(quoted).join(', ')}`)
  await client.query(`drop table if exists ${quoted(migrationLockTable)}`)
  const { rows } = await client.query<{ what: string; signature: string }>(
    `select 'view' as what, oid::regclass::text as signature from pg_class
       where relnamespace = current_schema()::regnamespace and relkind = 'v' and relname = any ($1)
     union all
     select 'function', oid::regprocedure::text from pg_proc
       where pronamespace = current_schema()::regnamespace and proname = any ($2)`,
    [ledgerObjects().views, ledgerObjects().functions],
  )
  for (const { what, signature } of rows) await client.query(`drop ${what} if exists ${signature}`)
}

/** What the migrator would do by itself in a transaction of its own. */
export async function migrateWithin(client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  // Kysely sees a pool of this one connection, and is told to leave the transaction alone.
  const connection: PostgresPoolClient = { query: client.query.bind(client), release: () => undefined }
  const pool = { connect: async () => connection, end: async () => undefined }
  const migrator = new Migrator({
    db: new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) }),
    migrationTableName: migrationTable,
    migrationLockTableName: migrationLockTable,
    disableTransactions: true,
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
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

async function makePartitions(client: pg.Client, { name: table, partitions }: TableEntry): Promise<void> {
  if (partitions.length === 0) return
  // They are empty here, and may be cut in other places than those of the backup.
  const { rows } = await client.query<{ name: string; bound: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass and c.relispartition`,
    [quoted(table)],
  )
  for (const { name, bound } of rows) if (bound !== 'DEFAULT') await client.query(`drop table ${quoted(name)}`)
  for (const { name, bound, options } of partitions) {
    if (bound === 'DEFAULT' && rows.some((row) => row.bound === bound)) continue
    // Bound and options were let in by the manifest's patterns alone.
    const storage = options.length === 0 ? '' : ` with (${options.join(', ')})`
    await client.query(`create table ${quoted(name)} partition of ${quoted(table)} ${bound}${storage}`)
  }
}

import type pg from 'pg'
import { BackupError } from './backup-error.ts'
import { type LedgerObjects, type Migration, migrationTable, transientTables } from './ledger-objects.ts'
import type { Manifest, TableEntry } from './manifest.ts'
import { quoted } from './session.ts'

export type LedgerDescription = Pick<Manifest, 'postgres_version' | 'migrations' | 'tables' | 'sequences'> & {
  /** About how many rows there are, by the server's statistics; undefined where it never looked. */
  readonly rowsEstimate: number | undefined
}

/** Which of our tables the database has, in its schema of today. */
export async function tablesPresent(client: pg.Client, objects: LedgerObjects): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname = any ($1) order by relname`,
    [[...objects.tables, migrationTable]],
  )
  return rows.map(({ name }) => name)
}

/** The steps the schema has seen, in order; none where there is no schema. Throws `too_new` for one we do not know. */
export async function migrationsApplied(client: pg.Client, known: readonly Migration[]): Promise<string[]> {
  const { rows: found } = await client.query<{ there: boolean }>(`select to_regclass($1) is not null as there`, [
    migrationTable,
  ])
  if (found[0]?.there !== true) return []
  const { rows } = await client.query<{ name: string }>(`select name from ${quoted(migrationTable)} order by name`)
  const names = rows.map(({ name }) => name)
  const unknown = names.find((name) => !known.some((migration) => migration.name === name))
  if (unknown === undefined) return names
  throw new BackupError(
    'too_new',
    `The database has the schema step ${unknown}, which this version of Signalbox does not know. Use the version that made it.`,
  )
}

/** Everything about the ledger but its rows, as the transaction's snapshot has it. */
export async function describeLedger(
  client: pg.Client,
  names: readonly string[],
  known: readonly Migration[],
): Promise<LedgerDescription> {
  const { rows: server } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  )
  const tables: TableEntry[] = []
  for (const name of names) {
    if (name === migrationTable || transientTables.has(name)) continue
    tables.push({ name, columns: await columnsOf(client, name), partitions: await partitionsOf(client, name) })
  }
  return {
    postgres_version: server[0]?.version ?? 'unknown',
    migrations: await migrationsApplied(client, known),
    tables,
    sequences: await sequencesOf(client, names),
    rowsEstimate: await rowsEstimate(client, names),
  }
}

async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  // A generated column can not be copied in; it is generated again.
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [quoted(table)],
  )
  return rows.map(({ name }) => name)
}

async function partitionsOf(client: pg.Client, table: string): Promise<TableEntry['partitions']> {
  const { rows } = await client.query<{ name: string; bound: string; options: string[] | null }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound, c.reloptions as options
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = $1::regclass and c.relispartition order by c.relname`,
    [quoted(table)],
  )
  return rows.map((row) => ({ ...row, options: row.options ?? [] }))
}

async function sequencesOf(client: pg.Client, tables: readonly string[]): Promise<Manifest['sequences']> {
  const { rows: owned } = await client.query<{ name: string }>(
    `select distinct s.relname as name from pg_class s join pg_depend d on d.objid = s.oid and d.deptype in ('a', 'i')
     where s.relkind = 'S' and d.refobjid in (select to_regclass(quote_ident(t)) from unnest($1::text[]) as t) order by 1`,
    [tables],
  )
  const sequences: Manifest['sequences'] = []
  for (const { name } of owned) {
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value::text, is_called from ${quoted(name)}`,
    )
    for (const row of rows) sequences.push({ name, ...row })
  }
  return sequences
}

async function rowsEstimate(client: pg.Client, tables: readonly string[]): Promise<number | undefined> {
  const { rows } = await client.query<{ rows: number; unknown: boolean }>(
    `select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 as rows,
            coalesce(bool_or(c.reltuples < 0 and pg_relation_size(c.oid) > 0), false) as unknown
     from unnest($1::text[]) as t, pg_partition_tree(to_regclass(quote_ident(t))) as p join pg_class c on c.oid = p.relid
     where c.relkind = 'r'`,
    [tables],
  )
  const [found] = rows
  return found === undefined || found.unknown ? undefined : found.rows
}

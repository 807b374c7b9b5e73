import { migrations as allMigrations } from '../migrations/index.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
}

/** What Signalbox made in a database that it may share with others. */
export interface LedgerObjects {
  /** Without partitions, which belong to their tables, and without the record of migrations. */
  readonly tables: readonly string[]
  readonly functions: readonly string[]
  readonly views: readonly string[]
}

/** Of whom the migrator keeps what ran, and its lock. */
export const migrationTable = 'signalbox_migrations'
/** Kysely's own; it has one row, and no content. */
export const migrationLockTable = 'signalbox_migrations_lock'

/** Read from the migrations themselves, so that a new table can not be forgotten; a test compares it with a database. */
export function ledgerObjects(migrations: readonly Migration[] = allMigrations): LedgerObjects {
  const made = (kind: string, besides = ''): string[] => [
    ...new Set(
      migrations.flatMap(({ sql }) =>
        [...sql.matchAll(new RegExp(`^CREATE (?:OR REPLACE )?${kind} (?:IF NOT EXISTS )?(\\w+)${besides}`, 'gim'))].map(
          (match) => match[1] ?? '',
        ),
      ),
    ),
  ]
  return {
    tables: made('(?:UNLOGGED )?TABLE', '\\b(?!\\s+PARTITION OF)'),
    functions: made('FUNCTION'),
    views: made('(?:MATERIALIZED )?VIEW'),
  }
}

/** Rows that mean something to running processes only: kept out of backups. */
export const transientTables: ReadonlySet<string> = new Set(['job_leases'])

/** Rows that an instance without a single call writes: they do not make a ledger worth keeping. */
export const bookkeepingTables: ReadonlySet<string> = new Set(['job_leases', 'job_runs'])

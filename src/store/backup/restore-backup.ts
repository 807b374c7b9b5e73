import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { keysChannel } from '../client-keys.ts'
import { migrations as allMigrations } from '../migrations/index.ts'
import { BackupError } from './backup-error.ts'
import type { Migration } from './ledger-objects.ts'
import type { Manifest, Summary, TableEntry } from './manifest.ts'
import { migrateWithin, prepareTables, refuseInUse, refuseNewer } from './prepare-target.ts'
import { readBackup } from './read-backup.ts'
import { inTransaction, quoted, withSession } from './session.ts'
import { countRows } from './write-backup.ts'

interface FileOptions {
  readonly file: string
  readonly signal: AbortSignal
  /** For tests: those of another version. */
  readonly migrations?: readonly Migration[]
}

export interface CheckedBackup {
  readonly manifest: Manifest
  readonly summary: Summary
}

/** The manifest alone: who made it and when. Throws as `readBackup` does, and where it is of a newer version. */
export async function readManifest({ file, signal, migrations = allMigrations }: FileOptions): Promise<Manifest> {
  for await (const part of readBackup({ file, signal })) {
    if (part.kind !== 'manifest') continue
    refuseNewer(part.manifest, migrations)
    return part.manifest
  }
  throw new BackupError('file_unusable', `${file} has no manifest.`)
}

/** Reads the whole file without touching a database. Throws where anything is wrong with it. `onProgress`: bytes. */
export async function checkBackup(
  options: FileOptions & { readonly onProgress?: (done: number) => void },
): Promise<CheckedBackup> {
  for await (const part of readBackup(options)) {
    if (part.kind === 'manifest') refuseNewer(part.manifest, options.migrations ?? allMigrations)
    if (part.kind === 'end') return { manifest: part.manifest, summary: part.summary }
  }
  throw new BackupError('file_unusable', `${options.file} has no end.`)
}

export interface RestoreOptions extends FileOptions {
  readonly url: string
  /** Replaces a ledger that is there, and does so under a running instance. */
  readonly force: boolean
  /** Rows. */
  readonly onProgress?: (done: number) => void
  /** All rows are in; what is left takes a while in a large ledger. */
  readonly onLoaded?: () => void
}

/** Throws `BackupError` where `restoreBackup` would, before anything was read. */
export async function checkTarget({ url, signal, force, migrations = allMigrations }: RestoreOptions): Promise<void> {
  await withSession({ url, name: 'restore', signal }, (client) => refuseInUse(client, migrations, force))
}

/**
 * Makes the database what the backup says, in one transaction: until its last moment everybody else sees the old state,
 * and whatever goes wrong leaves it. The file is checked once more while it is read.
 */
export async function restoreBackup(options: RestoreOptions): Promise<CheckedBackup> {
  const { url, signal, force, migrations = allMigrations } = options
  return withSession({ url, name: 'restore', signal }, async (client) => {
    const restored = await inTransaction(client, 'begin', async () => {
      await refuseInUse(client, migrations, force)
      const checked = await load(client, options, migrations)
      options.onLoaded?.()
      await compareCounts(client, checked)
      for (const { name, last_value: last, is_called: called } of checked.manifest.sequences)
        await client.query(`select setval($1::regclass, $2::bigint, $3)`, [quoted(name), last, called])
      await migrateWithin(client, migrations)
      await client.query(`select pg_notify($1, '')`, [keysChannel])
      return checked
    })
    // Without statistics the first queries would be planned for empty tables.
    const names = restored.manifest.tables.map(({ name }) => quoted(name))
    await client.query(`analyze ${names.join(', ')}`).catch(() => undefined)
    return restored
  })
}

async function load(
  client: pg.Client,
  { file, signal, onProgress = () => undefined }: RestoreOptions,
  migrations: readonly Migration[],
): Promise<CheckedBackup> {
  let tables: ReadonlyMap<string, TableEntry> = new Map()
  let current: OpenCopy | undefined
  let rows = 0
  try {
    for await (const part of readBackup({ file, signal })) {
      if (part.kind === 'manifest') {
        refuseNewer(part.manifest, migrations)
        await prepareTables(client, part.manifest, migrations)
        tables = new Map(part.manifest.tables.map((table) => [table.name, table]))
      } else if (part.kind === 'rows') {
        const table = tables.get(part.table)
        if (table === undefined) continue // `readBackup` has refused it.
        if (current?.table !== part.table) {
          await current?.end()
          current = openCopy(client, table)
        }
        await current.write(part.rows)
        rows += countRows(part.rows)
        onProgress(rows)
      } else {
        await current?.end()
        current = undefined
        return { manifest: part.manifest, summary: part.summary }
      }
    }
  } finally {
    current?.abandon()
  }
  throw new BackupError('file_unusable', `${file} has no end.`)
}

interface OpenCopy {
  readonly table: string
  write(rows: Buffer): Promise<void>
  end(): Promise<void>
  abandon(): void
}

function openCopy(client: pg.Client, { name, columns }: TableEntry): OpenCopy {
  const statement = `copy ${quoted(name)} (${columns.map(quoted).join(', ')}) from stdin`
  const sink: Writable = client.query(copyFrom(statement))
  sink.on('error', () => undefined)
  const done = finished(sink)
  // Waited for by whoever writes next, or ends it.
  done.catch(() => undefined)
  return {
    table: name,
    async write(rows) {
      if (!sink.write(rows)) await Promise.race([once(sink, 'drain'), done])
    },
    async end() {
      sink.end()
      await done
    },
    abandon: () => void sink.destroy(),
  }
}

/** Counted in the tables, not while copying: what a reader will find is what has to be equal. */
async function compareCounts(client: pg.Client, { summary }: CheckedBackup): Promise<void> {
  for (const { name, rows: wanted } of summary.tables) {
    const { rows } = await client.query<{ rows: number }>(`select count(*) as rows from ${quoted(name)}`)
    const found = rows[0]?.rows
    if (found !== wanted)
      throw new BackupError(
        'not_equal',
        `Table ${name} has ${found} rows after the restore and ${wanted} in the backup. Nothing was changed.`,
      )
  }
}

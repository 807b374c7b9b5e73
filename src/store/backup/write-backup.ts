import { createHash } from 'node:crypto'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { Clock } from '../../core/clock.ts'
import { migrations as allMigrations } from '../migrations/index.ts'
import { BackupError } from './backup-error.ts'
import { describeLedger, type LedgerDescription, tablesPresent } from './describe-ledger.ts'
import { ledgerObjects, type Migration } from './ledger-objects.ts'
import {
  formatName,
  formatVersion,
  type Manifest,
  manifestFile,
  partFile,
  type Summary,
  summaryFile,
  type TableEntry,
} from './manifest.ts'
import { inTransaction, quoted, withSession } from './session.ts'
import { tarEnd, tarHeader, tarPadding } from './tar.ts'

export interface WriteBackupOptions {
  /** `postgres://…` of the ledger. */
  readonly url: string
  readonly out: Writable
  /** False for standard output, which is nobody's to end. */
  readonly endOut?: boolean
  readonly signalboxVersion: string
  readonly keyPepper: Manifest['key_pepper']
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Rows; the total is an estimate, and absent where there is none. */
  readonly onProgress?: (done: number, total?: number) => void
  /** Rests this long after each part (some 1 MiB), for the good of what else runs in this process; 0 by default. */
  readonly restMs?: number
  /** For tests: those of an older version. */
  readonly migrations?: readonly Migration[]
}

export interface BackupWritten {
  readonly manifest: Manifest
  readonly summary: Summary
  readonly rows: number
}

/**
 * Parts are cut at the first row end behind this size. It is what is in memory at once, and what is hashed in one go while
 * the recorder of the same process waits: some 3 ms.
 */
const partBytes = 1024 * 1024
/** Level 1 is three times as fast as the default and some 15 % larger; a backup that is slow holds back vacuum. */
const compression = { level: 1, chunkSize: 256 * 1024 }

/**
 * Writes the ledger as one snapshot saw it, while everybody goes on writing. Memory does not grow with the ledger.
 * The archive (tar in gzip) has the manifest first, each table in parts of COPY text, and the summary last.
 * Throws `BackupError` where there is no ledger or a newer one; what aborts, cut the connection.
 */
export async function writeBackup(options: WriteBackupOptions): Promise<BackupWritten> {
  const { url, out, signal, endOut = true, migrations = allMigrations } = options
  return withSession({ url, name: 'backup', signal }, async (client) => {
    const names = await tablesPresent(client, ledgerObjects(migrations))
    if (names.length === 0)
      throw new BackupError('no_ledger', 'The database has no ledger: Signalbox has not been started on it yet.')
    return inTransaction(client, 'begin isolation level repeatable read read only', async () => {
      // Before the snapshot, so that nothing it sees can be dropped or altered before it was read.
      await client.query(`lock table ${names.map(quoted).join(', ')} in access share mode`)
      const description = await describeLedger(client, names, migrations)
      let written: BackupWritten | undefined
      const bytes = archive(client, description, options, (result) => {
        written = result
      })
      await pipeline(Readable.from(bytes, { objectMode: false }), createGzip(compression), out, { signal, end: endOut })
      if (written === undefined) throw new Error('the archive ended without its summary')
      return written
    })
  })
}

async function* archive(
  client: pg.Client,
  { rowsEstimate, ...description }: LedgerDescription,
  options: WriteBackupOptions,
  onWritten: (written: BackupWritten) => void,
): AsyncGenerator<Buffer> {
  const { clock, restMs = 0, onProgress = () => undefined } = options
  const createdAt = clock.now()
  const manifest: Manifest = {
    format: formatName,
    format_version: formatVersion,
    signalbox_version: options.signalboxVersion,
    created_at: new Date(createdAt).toISOString(),
    ...description,
    key_pepper: options.keyPepper,
  }
  const hash = createHash('sha256')
  const file = (name: string, content: Buffer): Buffer =>
    Buffer.concat([
      tarHeader({ name, bytes: content.length }, Math.floor(createdAt / 1_000)),
      content,
      tarPadding(content.length),
    ])
  const hashed = (bytes: Buffer): Buffer => {
    hash.update(bytes)
    return bytes
  }

  const tell = (done: number): void =>
    onProgress(done, rowsEstimate === undefined ? undefined : Math.max(done, rowsEstimate))

  yield hashed(file(manifestFile, asJson(manifest)))
  const tables: Summary['tables'] = []
  let rows = 0
  for (const table of manifest.tables) {
    const source = client.query(copyTo(copyOutOf(table)))
    let part = 0
    let bytes = 0
    let seen = 0
    for await (const content of wholeRows(source)) {
      yield hashed(file(partFile(table.name, part), content))
      part += 1
      bytes += content.length
      if (restMs > 0) await wait(restMs)
      seen += countRows(content)
      tell(rows + seen)
    }
    rows += source.rowCount
    tables.push({ name: table.name, rows: source.rowCount, bytes })
    tell(rows)
  }
  const summary: Summary = { tables, sha256: hash.digest('hex') }
  yield file(summaryFile, asJson(summary))
  yield tarEnd
  onWritten({ manifest, summary, rows })
}

const copyOutOf = ({ name, columns }: TableEntry): string =>
  `copy (select ${columns.map(quoted).join(', ')} from ${quoted(name)}) to stdout`

const asJson = (value: object): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)

const newline = 0x0a

/** The stream in pieces that end with a row: a newline of COPY text always ends one, those in values are escaped. */
async function* wholeRows(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    held.push(chunk)
    size += chunk.length
    const end = size < partBytes ? -1 : chunk.lastIndexOf(newline)
    if (end === -1) continue
    const rest = chunk.subarray(end + 1)
    held[held.length - 1] = chunk.subarray(0, end + 1)
    yield Buffer.concat(held)
    held = rest.length === 0 ? [] : [rest]
    size = rest.length
  }
  if (size > 0) yield Buffer.concat(held)
}

/** Rows of COPY text. */
export function countRows(text: Buffer): number {
  let rows = 0
  for (let at = text.indexOf(newline); at !== -1; at = text.indexOf(newline, at + 1)) rows += 1
  return rows
}

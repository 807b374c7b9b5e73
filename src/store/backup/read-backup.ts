import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { z } from 'zod'
import { codeOf, messageOf } from '../store-error.ts'
import { BackupError } from './backup-error.ts'
import {
  formatVersion,
  type Manifest,
  manifestFile,
  manifestSchema,
  type Summary,
  summaryFile,
  summarySchema,
} from './manifest.ts'
import { blockBytes, parseTarHeader } from './tar.ts'
import { countRows } from './write-backup.ts'

/** What is read from a backup, in the order of the file. */
export type BackupPart =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'rows'; readonly table: string; readonly rows: Buffer }
  /** The last: everything before it is what was written, to the bit. */
  | { readonly kind: 'end'; readonly manifest: Manifest; readonly summary: Summary }

export interface ReadBackupOptions {
  readonly file: string
  readonly signal: AbortSignal
  /** Bytes of the file. */
  readonly onProgress?: (done: number) => void
}

/** A part of a table has some 1 MiB and one long row; this is no limit to a ledger, only to a file that lies. */
const longestPart = 1024 * 1024 * 1024
const longestText = 16 * 1024 * 1024

/**
 * Reads a backup to its end, checking all of it on the way. Memory does not grow with the file.
 * Throws `BackupError` (`file_unusable`, `too_new`) that says what is wrong with the file.
 */
export async function* readBackup(options: ReadBackupOptions): AsyncGenerator<BackupPart> {
  const { file, signal, onProgress } = options
  const source = createReadStream(file, { signal, highWaterMark: 256 * 1024 })
  if (onProgress !== undefined) source.on('data', () => onProgress(source.bytesRead))
  const plain = createGunzip({ chunkSize: 256 * 1024 })
  source.on('error', (error) => plain.destroy(error))
  source.pipe(plain)
  try {
    yield* parts(new ByteReader(plain), file)
  } catch (error) {
    signal.throwIfAborted()
    throw asBackupError(error, file)
  } finally {
    source.destroy()
    plain.destroy()
  }
}

async function* parts(bytes: ByteReader, file: string): AsyncGenerator<BackupPart> {
  const hash = createHash('sha256')
  const seen = new Map<string, { rows: number; bytes: number; parts: number }>()
  let manifest: Manifest | undefined
  for (;;) {
    const block = await bytes.take(blockBytes)
    const header = parseTarHeader(block)
    if (header === null) throw new Error('it ends without its summary')
    if (header.bytes > (header.name.startsWith('tables/') ? longestPart : longestText))
      throw new Error('a part is longer than any that is written')
    const content = await bytes.take(header.bytes)
    const padding = await bytes.take((blockBytes - (header.bytes % blockBytes)) % blockBytes)
    if (header.name === summaryFile && manifest !== undefined) {
      const summary = summarySchema.parse(JSON.parse(content.toString()))
      compare(summary, hash.digest('hex'), seen, manifest)
      await bytes.expectEnd()
      yield { kind: 'end', manifest, summary }
      return
    }
    hash.update(block).update(content).update(padding)
    if (manifest === undefined) {
      if (header.name !== manifestFile) throw new Error('it does not begin with a manifest')
      manifest = parseManifest(content, file)
      for (const { name } of manifest.tables) seen.set(name, { rows: 0, bytes: 0, parts: 0 })
      yield { kind: 'manifest', manifest }
    } else {
      const table = /^tables\/([a-z0-9_]+)\/\d{6,}\.copy$/.exec(header.name)?.[1] ?? ''
      const sum = seen.get(table)
      if (sum === undefined) throw new Error('it has rows of a table that its manifest does not name')
      sum.rows += countRows(content)
      sum.bytes += content.length
      sum.parts += 1
      yield { kind: 'rows', table, rows: content }
    }
  }
}

function parseManifest(content: Buffer, file: string): Manifest {
  const json: unknown = JSON.parse(content.toString())
  const { format_version: version, signalbox_version: madeBy } = z
    .object({ format_version: z.int(), signalbox_version: z.string() })
    .parse(json)
  if (version > formatVersion)
    throw new BackupError(
      'too_new',
      `${file} was made by Signalbox ${madeBy}, in a form that this version does not read (${version}; this one reads ${formatVersion}). Restore it with Signalbox ${madeBy} or later.`,
    )
  return manifestSchema.parse(json)
}

function compare(
  summary: Summary,
  sha256: string,
  seen: ReadonlyMap<string, { rows: number; bytes: number }>,
  manifest: Manifest,
): void {
  if (summary.sha256 !== sha256) throw new Error('its content is not what its checksum says')
  if (summary.tables.length !== manifest.tables.length) throw new Error('its summary is of other tables')
  for (const { name, rows, bytes } of summary.tables) {
    const found = seen.get(name)
    if (found === undefined || found.rows !== rows || found.bytes !== bytes)
      throw new Error(`table ${name} has ${found?.rows ?? 0} rows and its summary says ${rows}`)
  }
}

function asBackupError(error: unknown, file: string): BackupError {
  if (error instanceof BackupError) return error
  const because = { cause: error }
  const code = codeOf(error)
  if (code === 'ENOENT') return new BackupError('file_unusable', `There is no file ${file}.`, because)
  if (code === 'EISDIR') return new BackupError('file_unusable', `${file} is a directory.`, because)
  if (code === 'EACCES' || code === 'EPERM')
    return new BackupError('file_unusable', `${file} can not be read by this user.`, because)
  if (code === 'Z_BUF_ERROR' || error instanceof EndedEarly)
    return new BackupError('file_unusable', `${file} is cut off: its end is missing. Nothing was changed.`, because)
  if (code === 'Z_DATA_ERROR' && /incorrect header check/.test(messageOf(error)))
    return new BackupError('file_unusable', `${file} is no backup of Signalbox.`, because)
  const what =
    error instanceof z.ZodError || error instanceof SyntaxError ? 'its description is not readable' : messageOf(error)
  return new BackupError('file_unusable', `${file} is damaged: ${what}. Nothing was changed.`, because)
}

class EndedEarly extends Error {}

/** Exactly so many bytes at a time, from a stream that gives what it likes. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #held: Buffer[] = []
  #size = 0

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Throws `EndedEarly` where the stream has fewer. */
  async take(count: number): Promise<Buffer> {
    while (this.#size < count) {
      const { value, done } = await this.#source.next()
      if (done === true) throw new EndedEarly('the file ends early')
      this.#held.push(value)
      this.#size += value.length
    }
    const all = this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held)
    const rest = all.subarray(count)
    this.#held = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    return all.subarray(0, count)
  }

  /** Reads on to the very end, which has the checksum of the compression; only zeros may come. */
  async expectEnd(): Promise<void> {
    let zeros = this.#size
    let found = this.#held.every(isZero)
    for (;;) {
      const { value, done } = await this.#source.next()
      if (done === true) break
      found &&= isZero(value)
      zeros += value.length
    }
    if (!found || zeros !== 2 * blockBytes) throw new Error('something follows its end')
  }
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

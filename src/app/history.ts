/** History into the ledger and out of it: `signalbox import` and `signalbox export`. */
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import {
  type ClaudeCodeImport,
  CsvFormatError,
  type CsvImport,
  createPriceBook,
  importClaudeCode,
  importCsv,
} from '../recorder/index.ts'
import { type ExportFormatName, type ExportQuestion, encodeExport } from '../store/index.ts'
import { openLedger } from './maintenance.ts'

/** What long work is given; it throws once the signal aborts. */
interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total?: number) => void
}

export interface TranscriptsToImport {
  readonly directory: string
  /** Default: each project is a domain. */
  readonly domain: string | undefined
}

/** Progress: bytes. */
export async function importTranscripts(
  config: Config,
  { directory, domain }: TranscriptsToImport,
  { signal, onProgress }: Work,
): Promise<ClaudeCodeImport> {
  if ((await stat(directory).catch(() => null))?.isDirectory() !== true)
    throw new Error(`${directory} is no directory. Name the one that has Claude Code's "projects" in it.`)
  const ledger = await openLedger(config, silentLogger)
  try {
    const priceBook = priceBookOf(config)
    const { imports } = ledger.store
    return await importClaudeCode({
      directory,
      domain,
      signal,
      onProgress,
      priceBook,
      ledger: imports,
      clock: systemClock,
    })
  } finally {
    await ledger.close()
  }
}

export interface CsvToImport {
  readonly file: string
  readonly domain: string
  readonly map: Readonly<Record<string, string>>
  readonly skipInvalid: boolean
  readonly ignoreUnknown: boolean
}

/** Progress: bytes. */
export async function importCsvFile(config: Config, csv: CsvToImport, work: Work): Promise<CsvImport> {
  if ((await stat(csv.file).catch(() => null))?.isFile() !== true) throw new Error(`${csv.file} is no file.`)
  const ledger = await openLedger(config, silentLogger)
  try {
    const { imports } = ledger.store
    return await importCsv({ ...csv, ...work, priceBook: priceBookOf(config), ledger: imports, clock: systemClock })
  } catch (error) {
    if (error instanceof CsvFormatError)
      throw new Error(`${csv.file}, line ${error.line}: ${error.message}.`, { cause: error })
    throw error
  } finally {
    await ledger.close()
  }
}

const priceBookOf = (config: Config) =>
  createPriceBook({ overrides: config.recorder.prices, clock: systemClock, logger: silentLogger })

export interface LedgerToExport {
  readonly question: ExportQuestion
  readonly format: ExportFormatName
  /** Null for standard output. */
  readonly file: string | null
  /** Whether a file that is there may be replaced. */
  readonly force: boolean
}

/** Progress: rows. The number of rows; a file is there whole or not at all. */
export async function exportLedger(
  config: Config,
  { question, format, file, force }: LedgerToExport,
  { signal, onProgress }: Work,
): Promise<{ readonly rows: number }> {
  if (file !== null && !force && (await stat(file).catch(() => null)) !== null)
    throw new Error(`${file} is there already. Choose another name, or replace it with --force.`)
  const ledger = await openLedger(config, silentLogger)
  try {
    const total = await totalRows(ledger.store, question)
    let rows = 0
    const onRows = (more: number): void => {
      signal.throwIfAborted()
      rows += more
      onProgress(rows, total)
    }
    const pieces = encodeExport(format, ledger.store.exportRows(question), onRows)
    if (file === null) await writeTo(process.stdout, pieces)
    else await writeFileWhole(file, pieces)
    return { rows }
  } finally {
    await ledger.close()
  }
}

/** From the rollups, at once; undefined where they do not know what the filter asks for. */
async function totalRows(
  store: Awaited<ReturnType<typeof openLedger>>['store'],
  { from, to, source, filter }: ExportQuestion,
): Promise<number | undefined> {
  const { domain, ...others } = filter
  if (Object.values(others).some((value) => value !== undefined)) return undefined
  try {
    const counted = await store.queries.stats({ from, to, domain: domain ?? null, source: source ?? 'wire' })
    return counted.total.requests
  } catch {
    return undefined // An export of a ledger that answers slowly has a bar without an end, no more.
  }
}

async function writeFileWhole(file: string, pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  const partial = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.partial`)
  try {
    await pipeline(Readable.from(pieces), createWriteStream(partial, { flags: 'wx', mode: 0o600 }))
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Waits for who reads; a reader who has enough (`| head`) ends it, which is no failure. */
async function writeTo(out: Writable, pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), out, { end: false })
  } catch (error) {
    const isEnough = error instanceof Error && 'code' in error && error.code === 'EPIPE'
    if (!isEnough) throw error
  }
}

import { stat } from 'node:fs/promises'
import type { Clock } from '../../../core/clock.ts'
import type { PriceBook } from '../../../core/pricing.ts'
import { exportColumns } from '../../../store/index.ts'
import { type ImportCounts, type ImportLedger, ImportWriter } from '../import-counts.ts'
import { checkRow, toExchange } from './csv-columns.ts'
import { CsvFormatError, readCsv } from './read-csv.ts'

export interface ImportCsvOptions {
  readonly file: string
  readonly ledger: ImportLedger
  readonly priceBook: PriceBook
  readonly clock: Clock
  /** The domain of rows that name none. */
  readonly domain: string
  /** The file's name for a column by ours. */
  readonly map: Readonly<Record<string, string>>
  /** Import the rows that are right and leave out the others; else one row that is wrong stops all. */
  readonly skipInvalid: boolean
  /** Pass over columns of the file that are none of ours; else they are a mistake. */
  readonly ignoreUnknown: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
}

/** Something wrong with the file; `line` counts from 1. */
export interface CsvMistake {
  readonly line: number
  /** Null where it is about the row or the file. */
  readonly column: string | null
  readonly message: string
}

/** What became of the rows of a file. */
export interface CsvImport extends ImportCounts {
  readonly rows: number
  /** Rows that were not imported because of what is in them. */
  readonly invalid: number
  /** The first of what is wrong. */
  readonly mistakes: readonly CsvMistake[]
  /** True where nothing was imported, because rows are wrong and they were not to be left out. */
  readonly refused: boolean
  readonly rejectedReasons: readonly string[]
}

const mistakesShown = 20

/**
 * Reads a CSV file into the ledger. Without `skipInvalid` the whole file is checked before the first row is written.
 * Memory does not grow with the file, and the same row is the same call every time. Throws `CsvFormatError` where the first
 * line does not fit.
 */
export async function importCsv(options: ImportCsvOptions): Promise<CsvImport> {
  const { size } = await stat(options.file)
  const passes = options.skipInvalid ? 1 : 2
  let bytes = 0
  const pass = async (write: ImportWriter | null) =>
    readRows(options, write, (read) => {
      bytes += read
      options.onProgress?.(bytes, size * passes)
    })
  const writer = new ImportWriter({ write: options.ledger.write })
  if (!options.skipInvalid) {
    const checked = await pass(null)
    if (checked.invalid > 0) return { ...checked, ...writer.counts, refused: true, rejectedReasons: [] }
  }
  const done = await pass(writer)
  return { ...done, ...writer.counts, refused: false, rejectedReasons: [...writer.reasons] }
}

async function readRows(
  options: ImportCsvOptions,
  writer: ImportWriter | null,
  onBytes: (bytes: number) => void,
): Promise<{ rows: number; invalid: number; mistakes: CsvMistake[] }> {
  const { clock, signal } = options
  const now = clock.now()
  const mistakes: CsvMistake[] = []
  let rows = 0
  let invalid = 0
  const refuse = (line: number, found: readonly Omit<CsvMistake, 'line'>[]): void => {
    invalid += 1
    for (const one of found) if (mistakes.length < mistakesShown) mistakes.push({ line, ...one })
  }
  const columnOf = (names: readonly string[]) => columnsOf(names, options)
  try {
    for await (const { line, cells, surplus } of readCsv(options.file, { columnOf, onBytes })) {
      signal?.throwIfAborted()
      rows += 1
      const found =
        surplus === 0
          ? checkRow(cells, now)
          : [{ column: null, message: `has ${cellCount(surplus)} than the first line` }]
      if (found.length > 0) refuse(line, found)
      else if (writer !== null) await writer.add(toExchange(cells, { ...options, now }))
    }
  } catch (error) {
    // A file that breaks off in the middle is a row that is wrong; a first line that does not fit is no import at all.
    if (!(error instanceof CsvFormatError) || rows === 0) throw error
    refuse(error.line, [{ column: null, message: error.message }])
  }
  await writer?.flush()
  return { rows, invalid, mistakes }
}

const cellCount = (surplus: number): string => `${Math.abs(surplus)} cell(s) ${surplus > 0 ? 'more' : 'fewer'}`

/** Our name for each column of the file. Throws where one is not known, is there twice, or `created_at` is missing. */
function columnsOf(
  names: readonly string[],
  { map, ignoreUnknown }: Pick<ImportCsvOptions, 'map' | 'ignoreUnknown'>,
): (string | null)[] {
  const known = new Set(exportColumns.map((column) => column.name))
  for (const [our, theirs] of Object.entries(map)) {
    if (!known.has(our)) throw new CsvFormatError(1, `--map: ${shown(our)} is none of our columns`)
    if (!names.includes(theirs))
      throw new CsvFormatError(1, `the file has no column ${shown(theirs)}, which --map names`)
  }
  const ours = new Map(Object.entries(map).map(([our, theirs]) => [theirs, our]))
  const columns = names.map((name) => {
    const column = ours.get(name) ?? name
    if (known.has(column)) return column
    if (ignoreUnknown) return null
    const way = 'rename it, give it one of our names with --map, or pass over all such columns with --ignore-unknown'
    throw new CsvFormatError(1, `the column ${shown(name)} is none of ours; ${way}`)
  })
  for (const [index, column] of columns.entries())
    if (column !== null && columns.indexOf(column) !== index)
      throw new CsvFormatError(1, `the column ${shown(column)} is there twice`)
  if (!columns.includes('created_at'))
    throw new CsvFormatError(1, 'the column "created_at" is missing, which every row needs')
  return columns
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 60))

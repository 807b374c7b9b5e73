import { createReadStream } from 'node:fs'
import { CsvError, parse } from 'csv-parse'
import type { Cell, Cells } from './csv-columns.ts'

/** A file that can not be read as CSV from some line on, or whose first line does not fit. */
export class CsvFormatError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.name = 'CsvFormatError'
    this.line = line
  }
}

export interface CsvRow {
  /** The line of the file where the row begins, counted from 1. */
  readonly line: number
  readonly cells: Cells
  /** Cells more (or, below zero, fewer) than the first line has names. */
  readonly surplus: number
}

const maxRecordBytes = 1024 * 1024

/**
 * The rows of a CSV file (RFC 4180, UTF-8 with or without a byte order mark), one at a time and in bounded memory.
 * `columnOf` gives our name for each name of the first line, null for a column that is passed over; it may throw.
 */
export async function* readCsv(
  file: string,
  options: {
    readonly columnOf: (names: readonly string[]) => readonly (string | null)[]
    readonly onBytes: (bytes: number) => void
  },
): AsyncGenerator<CsvRow> {
  const source = createReadStream(file)
  const parser = parse({
    bom: true,
    raw: true,
    relax_column_count: true,
    max_record_size: maxRecordBytes,
    cast: (value: string, context: { quoting: boolean }): Cell => (value === '' && !context.quoting ? null : value),
  })
  source.on('data', (chunk) => options.onBytes(chunk.length))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let names: readonly (string | null)[] | null = null
  let nextLine = 1
  try {
    for await (const item of parser) {
      const { record, raw } = item as { record: readonly Cell[]; raw: string } // the shape that `raw: true` asks for
      const line = nextLine
      nextLine += lineCount(raw)
      if (record.length === 1 && record[0] === null) continue // an empty line
      if (names === null) {
        names = options.columnOf(record.map((cell) => (cell ?? '').trim()))
        continue
      }
      const cells: Record<string, Cell> = {}
      for (const [index, name] of names.entries()) if (name !== null) cells[name] = record[index] ?? null
      yield { line, cells, surplus: record.length - names.length }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new CsvFormatError(nextLine, `is not CSV: ${explained(error)}`)
  } finally {
    source.destroy()
    parser.destroy()
  }
  if (names === null) throw new CsvFormatError(1, 'the file has no first line with the names of its columns')
}

/** Lines that a row takes: as many as line ends, of whichever kind, with or without one at its end. */
const lineCount = (raw: string): number => raw.replace(/(?:\r\n|\r|\n)$/, '').split(/\r\n|\r|\n/).length

/** The parser's own words quote cells. */
function explained({ code }: CsvError): string {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote that is opened here is never closed'
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'something stands between a closing quote and the comma after it'
    case 'INVALID_OPENING_QUOTE':
      return 'a quote stands inside a cell that did not begin with one'
    case 'CSV_MAX_RECORD_SIZE':
      return `a row is longer than ${maxRecordBytes} bytes`
    default:
      return code
  }
}

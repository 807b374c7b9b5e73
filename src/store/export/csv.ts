import { type ExportRow, type ExportValue, exportColumns } from './columns.ts'
import type { ExportEncoder } from './formats.ts'

/**
 * CSV as RFC 4180 has it: lines end in CR LF, cells with quotes, commas or line ends are quoted. An empty cell is no value,
 * `""` is the empty text.
 */
export function createCsvEncoder(): ExportEncoder {
  return {
    rows: (rows) => rows.map(csvLine).join(''),
    start: () => `${exportColumns.map(({ name }) => name).join(',')}\r\n`,
    end: () => '',
  }
}

function csvLine(row: ExportRow): string {
  let line = ''
  for (const { name } of exportColumns) line += `${line === '' ? '' : ','}${csvCell(row[name] ?? null)}`
  return `${line}\r\n`
}

function csvCell(value: ExportValue): string {
  if (value === null) return ''
  if (typeof value === 'string') return quoted(defused(value))
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? quoted(defused(value.join(' '))) : String(value)
}

const quoted = (text: string): string =>
  text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

/**
 * Spreadsheets run a cell that begins with one of these as a formula, and domains, models and paths are chosen by callers.
 * An apostrophe before it makes it text. Cells that have apostrophes of their own there get one more, so that nothing is
 * lost by it. Source: OWASP, "CSV Injection".
 */
const dangerous = /^'*[=+\-@\t\r]/

const defused = (text: string): string => (dangerous.test(text) ? `'${text}` : text)

/** The text that a cell was made of. */
export const restored = (cell: string): string => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)

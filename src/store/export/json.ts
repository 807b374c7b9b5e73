import { type ExportRow, type ExportValue, exportColumns } from './columns.ts'
import type { ExportEncoder } from './formats.ts'

/** An object a line. */
export function createJsonLinesEncoder(): ExportEncoder {
  return { start: () => '', rows: (rows) => rows.map((row) => `${jsonOf(row)}\n`).join(''), end: () => '' }
}

/** One array, an object a line. */
export function createJsonEncoder(): ExportEncoder {
  let isFirst = true
  return {
    start: () => '[',
    rows(rows) {
      const text = rows.map(jsonOf).join(',\n')
      const before = isFirst ? '\n' : ',\n'
      isFirst = false
      return before + text
    },
    end: () => '\n]\n',
  }
}

/** Every column is there, null where it has no value. Decimals are texts: most readers would round a number. */
function jsonOf(row: ExportRow): string {
  const named: Record<string, ExportValue> = {}
  for (const { name } of exportColumns) named[name] = row[name] ?? null
  return JSON.stringify(named)
}

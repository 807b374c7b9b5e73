import type { ExportRow } from './columns.ts'
import { createCsvEncoder } from './csv.ts'
import { createJsonEncoder, createJsonLinesEncoder } from './json.ts'
import { createParquetEncoder } from './parquet.ts'

/** Turns rows into the bytes of a file, piece by piece: `start`, `rows` as often as there are any, `end`. */
export interface ExportEncoder {
  start(): string
  /** May give nothing and keep the rows for the next piece. */
  rows(rows: readonly ExportRow[]): string | Uint8Array
  end(): string | Uint8Array
}

interface ExportFormat {
  readonly contentType: string
  open(): ExportEncoder
}

export type ExportFormatName = 'csv' | 'json' | 'jsonl' | 'parquet'

/** The name is the extension of the file as well. */
export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = {
  csv: { contentType: 'text/csv; charset=utf-8; header=present', open: createCsvEncoder },
  json: { contentType: 'application/json; charset=utf-8', open: createJsonEncoder },
  jsonl: { contentType: 'application/x-ndjson; charset=utf-8', open: createJsonLinesEncoder },
  parquet: { contentType: 'application/vnd.apache.parquet', open: createParquetEncoder },
}

/** The bytes of a file with these rows; pieces without content are left out. */
export async function* encodeExport(
  format: ExportFormatName,
  pages: AsyncIterable<readonly ExportRow[]>,
  onRows: (rows: number) => void = () => undefined,
): AsyncGenerator<string | Uint8Array> {
  const encoder = exportFormats[format].open()
  const start = encoder.start()
  if (start.length > 0) yield start
  for await (const rows of pages) {
    const piece = encoder.rows(rows)
    onRows(rows.length)
    if (piece.length > 0) yield piece
  }
  const end = encoder.end()
  if (end.length > 0) yield end
}

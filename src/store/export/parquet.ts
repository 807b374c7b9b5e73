import type { SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { type ExportColumn, type ExportRow, type ExportValue, exportColumns } from './columns.ts'
import type { ExportEncoder } from './formats.ts'

/**
 * Rows of one group. A group is encoded in one go, during which the process does nothing else (some 7 ms for a thousand
 * rows), and the directory at the end of the file has an entry for every column of every group (2.3 kB a group): both must
 * stay small.
 */
const groupRows = 2_000

/** Parquet with Snappy, in row groups that are let go once they are written. */
export function createParquetEncoder(): ExportEncoder {
  const buffer = new ByteWriter(1 << 20)
  const writer = new ParquetWriter({ writer: buffer, schema, statistics: false, createdBy: 'signalbox' })
  let waiting: ExportRow[] = []

  function writeGroup(): void {
    const rows = waiting
    waiting = []
    if (rows.length === 0) return
    const columnData = exportColumns.map((column) => ({
      name: column.name,
      data: rows.map((row) => parquetValue(column, row[column.name] ?? null)),
      // Readers find a range of time by the bounds of its groups; of the other columns bounds are of little use.
      statistics: column.type === 'time',
      offsetIndex: false,
    }))
    const pending = writer.write({ columnData, rowGroupSize: rows.length })
    if (pending !== undefined) throw new Error('The encoder of Parquet has nothing to wait for.')
  }
  function taken(): Uint8Array {
    const bytes = buffer.getBytes().slice()
    buffer.index = 0
    return bytes
  }
  return {
    start: () => '',
    rows(rows) {
      waiting.push(...rows)
      if (waiting.length < groupRows) return ''
      writeGroup()
      return taken()
    },
    end() {
      writeGroup()
      const pending = writer.finish()
      if (pending !== undefined) throw new Error('The encoder of Parquet has nothing to wait for.')
      return taken()
    },
  }
}

const types: Readonly<Record<ExportColumn['type'], Partial<SchemaElement>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  uuid: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  words: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  decimal: { type: 'INT64', converted_type: 'DECIMAL', precision: 18, scale: 9 },
  boolean: { type: 'BOOLEAN' },
}

const schema: SchemaElement[] = [
  { name: 'root', num_children: exportColumns.length },
  ...exportColumns.map(
    ({ name, type, nullable }): SchemaElement => ({
      name,
      ...types[type],
      repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED',
    }),
  ),
]

function parquetValue({ type }: ExportColumn, value: ExportValue): unknown {
  if (value === null) return null
  switch (type) {
    case 'integer':
      return BigInt(Number(value))
    case 'decimal':
      return unscaled(String(value))
    case 'words':
      return Array.isArray(value) ? value.join(' ') : value
    default:
      return value
  }
}

/** `12.000000345` -> 12000000345n: the number without its nine decimals' point. */
export function unscaled(digits: string): bigint {
  const [whole = '0', fraction = ''] = digits.split('.')
  return BigInt(whole + fraction.padEnd(9, '0').slice(0, 9))
}

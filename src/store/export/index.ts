export { type ExportColumn, type ExportRow, type ExportValue, exportColumns } from './columns.ts'
export { restored } from './csv.ts'
export { type ExportQuestion, exportRows } from './export-rows.ts'
export { type ExportFormatName, encodeExport, exportFormats } from './formats.ts'

import type { ReactNode } from 'react'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => ReactNode
  /** Width and from which size of window it is shown. */
  readonly className?: string
  readonly number?: boolean
}

interface DataTableProps<Row> {
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  /** Stands under a row over its whole width. */
  detail?: (row: Row) => ReactNode
}

/** Rows of figures. The first column names the row; others leave the small screens one by one. */
export function DataTable<Row>({ caption, columns, rows, keyOf, detail }: DataTableProps<Row>) {
  const side = (column: Column<Row>): string =>
    `${column.number ? 'text-right' : 'text-left'} ${column.className ?? ''}`
  return (
    // A cell over all columns would make room for those that are hidden, were the layout fixed.
    <table className={`w-full border-collapse text-sm ${detail === undefined ? 'table-fixed' : 'table-auto'}`}>
      <caption className="sr-only">{caption}</caption>
      <thead className="text-soft">
        <tr className="border-b border-line">
          {columns.map((column) => (
            <th
              key={column.name}
              scope="col"
              className={`px-2 py-1.5 font-medium first:ps-3 last:pe-3 ${side(column)}`}
            >
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      {rows.map((row) => (
        <tbody key={keyOf(row)} className="border-b border-line last:border-b-0">
          <tr>
            {columns.map((column, place) => {
              const Cell = place === 0 ? 'th' : 'td'
              return (
                <Cell
                  key={column.name}
                  {...(place === 0 && { scope: 'row' as const })}
                  className={`px-2 py-1.5 align-top font-normal first:ps-3 last:pe-3 ${place === 0 ? 'wrap-anywhere' : ''} ${side(column)}`}
                >
                  {column.cell(row)}
                </Cell>
              )
            })}
          </tr>
          {detail !== undefined && (
            <tr>
              <td colSpan={columns.length} className="px-3 pb-2 wrap-anywhere">
                {detail(row)}
              </td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  )
}

import { type ExchangeFilter, exchangeConditions } from '../queries/exchange-filter.ts'
import { type SourceFilter, sourceCondition } from '../queries/source-condition.ts'
import type { Sql } from '../sql.ts'
import { type ExportRow, exportColumns } from './columns.ts'

export interface ExportQuestion {
  /** Epoch milliseconds, inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** Default: `wire`. */
  readonly source?: SourceFilter
  readonly filter: ExchangeFilter
}

/** Rows of one statement; with the text columns at their longest some three megabytes. */
const pageRows = 1_000
const minuteMs = 60_000
const firstWindowMs = 60 * minuteMs
const longestWindowMs = 32 * 24 * 60 * minuteMs

/** Numeric columns come as text, as a double does not hold all their digits. */
const selected = exportColumns
  .map(({ name, type }) => (type === 'decimal' ? `${name}::text AS ${name}` : name))
  .join(', ')

/**
 * The rows of a range, oldest first, a page at a time. Each page is a short statement of its own: nothing is held open
 * between them, so who reads slowly, or not at all any more, keeps neither a connection nor a snapshot from anyone. Rows do
 * not change once written; one that is written behind the place where the export is, is not in it.
 */
export async function* exportRows(sql: Sql, question: ExportQuestion): AsyncGenerator<readonly ExportRow[]> {
  const { from, to, filter, source } = question
  // A filter that few rows pass must not make one statement read the whole ledger: the range is read in windows, which
  // grow while they come back with little.
  let windowMs = firstWindowMs
  let start = from
  let after: Place | null = null
  while (start < to) {
    const end = Math.min(start + windowMs, to)
    const rows: readonly ExportRow[] = await page(sql, { from: start, to: end, after, filter, source })
    if (rows.length > 0) yield rows
    after = rows.length < pageRows ? null : placeOf(rows.at(-1))
    if (after === null) start = end
    windowMs =
      after === null ? Math.min(windowMs * 4, longestWindowMs) : Math.max(Math.floor(windowMs / 2), 10 * minuteMs)
    // The window may only become longer around a place that is already passed, never end before it.
    if (after !== null) start = Math.max(start, after.at)
  }
}

interface Place {
  readonly at: number
  readonly id: string
}

function placeOf(row: ExportRow | undefined): Place | null {
  const at = row?.created_at
  return at instanceof Date && typeof row?.id === 'string' ? { at: at.getTime(), id: row.id } : null
}

function page(
  sql: Sql,
  question: Omit<ExportQuestion, 'source'> & { source: SourceFilter | undefined; after: Place | null },
): Promise<ExportRow[]> {
  const { from, to, after, filter, source } = question
  const values: unknown[] = [new Date(from), new Date(to)]
  const conditions = ['created_at >= $1', 'created_at < $2', sourceCondition(source)]
  const place = (value: unknown): string => `$${values.push(value)}`
  if (after !== null) conditions.push(`(created_at, id) > (${place(new Date(after.at))}, ${place(after.id)}::uuid)`)
  conditions.push(...exchangeConditions(filter, place))
  return sql.query<ExportRow>(
    'export-page',
    `SELECT ${selected} FROM api_requests WHERE ${conditions.join(' AND ')} ORDER BY created_at, id LIMIT ${pageRows}`,
    values,
  )
}

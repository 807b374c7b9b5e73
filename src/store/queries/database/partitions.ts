import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

interface Row {
  readonly name: string
  readonly table: string
  readonly from: string | null
  readonly to: string | null
  readonly rows: number
  readonly bytes: number
}

export type PartitionState = 'past' | 'current' | 'ahead' | 'default'

const calendarLimit = 200
const dayMs = 86_400_000

/** Where a partition begins or ends, out of its definition; null for the default partition. */
const bound = (side: 'FROM' | 'TO'): string =>
  `substring(pg_get_expr(part.relpartbound, part.oid) FROM '${side} \\(''([^'']+)''\\)')::timestamptz`

/**
 * The partitions of the ledger and of whatever else is partitioned by time: their span, their size, how far ahead there
 * are some without a gap. `keepMs` says how long a table's rows are kept, if it is known.
 */
export async function partitions(sql: Sql, now: number, keepMs: (table: string) => number | null) {
  const rows = await sql.query<Row>(
    'database-partitions',
    `SELECT part.oid::regclass::text AS name, inhparent::regclass::text AS table, ${isoSql(bound('FROM'))} AS from,
       ${isoSql(bound('TO'))} AS to, greatest(part.reltuples, stat.n_live_tup, 0)::float8 AS rows,
       pg_total_relation_size(part.oid) AS bytes
     FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
     LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = part.oid
     WHERE part.relispartition AND part.relkind = 'r' AND part.relnamespace = current_schema()::regnamespace
     ORDER BY ${bound('FROM')} DESC NULLS FIRST, name LIMIT ${calendarLimit + 1}`,
  )
  const calendar = rows.slice(0, calendarLimit).map((row) => ({
    ...row,
    state: stateOf(row, now),
    dropped_at: droppedAt(row, keepMs(row.table)),
  }))
  return {
    ahead_days: aheadDays(
      calendar.filter((row) => row.table === 'api_requests'),
      now,
    ),
    default_rows: calendar.filter(({ state }) => state === 'default').reduce((sum, row) => sum + row.rows, 0),
    calendar: calendar.reverse(),
    truncated: rows.length > calendarLimit,
  }
}

function stateOf({ from, to }: Row, now: number): PartitionState {
  if (from === null || to === null) return 'default'
  if (Date.parse(from) > now) return 'ahead'
  return Date.parse(to) > now ? 'current' : 'past'
}

/** A partition goes when its last row is older than what is kept. */
function droppedAt({ to }: Row, keepMs: number | null): string | null {
  return to === null || keepMs === null ? null : new Date(Date.parse(to) + keepMs).toISOString()
}

/** How long it would go well if nobody made another partition. */
export function aheadDays(calendar: readonly Pick<Row, 'from' | 'to'>[], now: number): number {
  const spans = calendar
    .flatMap(({ from, to }) => (from === null || to === null ? [] : [{ from: Date.parse(from), to: Date.parse(to) }]))
    .sort((left, right) => left.from - right.from)
  let covered = now
  for (const { from, to } of spans) if (from <= covered && to > covered) covered = to
  return (covered - now) / dayMs
}

import { tiers } from '../../rollup-tiers.ts'
import type { Sql } from '../../sql.ts'

interface Row {
  readonly database_bytes: number
  /** Exchanges of the last seven days. */
  readonly requests: number
  /** The minute of the first of them. */
  readonly first_ms: number | null
  readonly data_directory: string | null
}

interface SpanRow {
  readonly table: string
  readonly first_ms: number | null
}

const minuteMs = 60_000
const dayMs = 86_400_000
/** A rate out of less than this says more about the moment than about the day. */
const youngestMs = 10 * minuteMs
const lookBackDays = 7
/** History that was imported came at once and says nothing of tomorrow. */
const measured = `source = 'wire'`

export interface Pace {
  readonly database_bytes: number
  /** Rows a day at the pace of the last days; null while it is too early to tell. */
  readonly rows_per_day: number | null
  /** How many days the rows of each rollup have come together in; nothing where it is too early to tell. */
  readonly rollup_days: Readonly<Record<string, number>>
  /** Where an embedded server keeps its files. */
  readonly data_directory: string | null
}

/**
 * How fast the ledger grows, from the counts that the rollups keep: so the answer is there on the first day, and no job
 * has to collect sizes.
 */
export async function pace(sql: Sql, now: number): Promise<Pace> {
  const from = new Date(now - lookBackDays * dayMs)
  const [row] = await sql.query<Row>(
    'database-pace',
    `SELECT pg_database_size(current_database()) AS database_bytes, coalesce(sum(requests), 0) AS requests,
      extract(epoch FROM (SELECT min(bucket) FROM rollup_minute WHERE bucket >= $1 AND ${measured})) * 1000 AS first_ms,
      -- Told to superusers only, which we are where the server is ours.
      (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory
     FROM rollup_hour WHERE bucket >= $1 AND bucket <= now() AND ${measured}`,
    [from],
  )
  const spans = await sql.query<SpanRow>(
    'database-rollup-spans',
    tiers
      .flatMap(({ name }) => [
        { table: `rollup_${name}`, condition: measured },
        // Nobody timed what was imported, so there is nothing of it here.
        { table: `latency_${name}`, condition: 'true' },
      ])
      .map(
        ({ table, condition }) =>
          `SELECT '${table}' AS table, extract(epoch FROM min(bucket)) * 1000 AS first_ms FROM ${table} WHERE ${condition}`,
      )
      .join(' UNION ALL '),
  )
  const spanMs = row?.first_ms == null ? 0 : now - row.first_ms
  return {
    database_bytes: row?.database_bytes ?? 0,
    rows_per_day: spanMs < youngestMs ? null : ((row?.requests ?? 0) * dayMs) / spanMs,
    rollup_days: Object.fromEntries(
      spans.flatMap(({ table, first_ms }) =>
        first_ms === null || now - first_ms < youngestOf(table) ? [] : [[table, (now - first_ms) / dayMs]],
      ),
    ),
    data_directory: row?.data_directory ?? null,
  }
}

/** A bucket begins before its first row, so a coarse tier has to have a few before its age means anything. */
function youngestOf(table: string): number {
  const tier = tiers.find(({ name }) => table.endsWith(name))
  return Math.max(youngestMs, 3 * (tier?.stepMs ?? 0))
}

import type { Sql } from '../../sql.ts'
import type { ServerFacts } from './server-facts.ts'

interface Row {
  readonly reads: number
  readonly writes: number
  readonly fsyncs: number
  readonly evictions: number
  readonly read_ms: number | null
  readonly write_ms: number | null
}

/** The server's own account of its reads and writes; null before PostgreSQL 16, which began to keep it. */
export async function io(sql: Sql, { version_number }: ServerFacts): Promise<Row | null> {
  if (version_number < 160_000) return null
  const [row] = await sql.query<Row>(
    'database-io',
    `SELECT coalesce(sum(reads), 0) AS reads, coalesce(sum(writes), 0) AS writes, coalesce(sum(fsyncs), 0) AS fsyncs,
      coalesce(sum(evictions), 0) AS evictions,
      CASE WHEN current_setting('track_io_timing')::boolean THEN coalesce(sum(read_time), 0) END AS read_ms,
      CASE WHEN current_setting('track_io_timing')::boolean THEN coalesce(sum(write_time), 0) END AS write_ms
     FROM pg_stat_io`,
  )
  return row ?? null
}

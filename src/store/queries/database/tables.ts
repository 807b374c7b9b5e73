import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

export interface TableRow {
  readonly name: string
  readonly partitions: number
  readonly total_bytes: number
  readonly table_bytes: number
  readonly index_bytes: number
  readonly toast_bytes: number
  readonly rows: number
  readonly dead_rows: number
  readonly dead_ratio: number | null
  readonly last_vacuum: string | null
  readonly last_autovacuum: string | null
  readonly last_analyze: string | null
}

const rowsLimit = 50

/** The tables of our schema, largest first; a partitioned one with all its partitions. */
export async function tables(sql: Sql): Promise<TableRow[]> {
  return sql.query<TableRow>(
    'database-tables',
    `WITH parts AS (
       SELECT coalesce(pg_partition_root(class.oid), class.oid) AS root, class.relispartition AS is_partition,
         pg_relation_size(class.oid) AS main_bytes, pg_table_size(class.oid) AS table_bytes,
         pg_indexes_size(class.oid) AS index_bytes,
         coalesce(pg_total_relation_size(nullif(class.reltoastrelid, 0)), 0) AS toast_bytes,
         -- Rows counted since the last crash or the last look of the analyser, whichever knows of more.
         greatest(class.reltuples, stat.n_live_tup, 0) AS rows, coalesce(stat.n_dead_tup, 0) AS dead_rows,
         last_vacuum, last_autovacuum, greatest(last_analyze, last_autoanalyze) AS last_analyze
       FROM pg_class AS class LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = class.oid
       WHERE class.relkind = 'r' AND class.relnamespace = current_schema()::regnamespace
     )
     SELECT root::regclass::text AS name, count(*) FILTER (WHERE is_partition) AS partitions,
       sum(table_bytes + index_bytes) AS total_bytes, sum(table_bytes) AS table_bytes, sum(index_bytes) AS index_bytes,
       sum(toast_bytes) AS toast_bytes, sum(rows)::float8 AS rows, sum(dead_rows) AS dead_rows,
       sum(dead_rows) / nullif(sum(rows + dead_rows), 0)::float8 AS dead_ratio,
       ${isoSql('max(last_vacuum)')} AS last_vacuum, ${isoSql('max(last_autovacuum)')} AS last_autovacuum,
       ${isoSql('max(last_analyze)')} AS last_analyze
     FROM parts GROUP BY root ORDER BY total_bytes DESC, name LIMIT ${rowsLimit}`,
  )
}

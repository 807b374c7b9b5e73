import type { Sql } from '../../sql.ts'

interface Row {
  readonly name: string
  readonly table: string
  readonly bytes: number
  readonly scans: number
}

const rowsLimit = 20

/** The largest indexes; one of a partitioned table stands for those of its partitions. One that is never used costs all the same. */
export async function indexes(sql: Sql): Promise<Row[]> {
  return sql.query<Row>(
    'database-indexes',
    `WITH parts AS (
       SELECT coalesce(pg_partition_root(index.indexrelid), index.indexrelid) AS root,
         coalesce(pg_partition_root(index.indrelid), index.indrelid) AS owner,
         pg_relation_size(index.indexrelid) AS bytes, coalesce(stat.idx_scan, 0) AS scans
       FROM pg_index AS index JOIN pg_class AS class ON class.oid = index.indexrelid
       LEFT JOIN pg_stat_all_indexes AS stat USING (indexrelid)
       WHERE class.relkind = 'i' AND class.relnamespace = current_schema()::regnamespace
     )
     SELECT root::regclass::text AS name, owner::regclass::text AS table, sum(bytes) AS bytes, sum(scans) AS scans
     FROM parts GROUP BY root, owner ORDER BY bytes DESC, name LIMIT ${rowsLimit}`,
  )
}

import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

interface Row {
  readonly newest_row_at: string | null
  readonly newest_bucket_at: string | null
  readonly lag_seconds: number
}

/**
 * How far the rollups are behind the ledger. They are written in the same transaction, so this is 0 unless somebody wrote
 * to the ledger past the recorder. Rows of the future (a clock that was off) are not looked at.
 */
export async function rollupLag(sql: Sql): Promise<Row> {
  const [newest] = await sql.query<{ bucket: Date | null }>(
    'database-newest-bucket',
    `SELECT max(bucket) AS bucket FROM rollup_minute WHERE bucket < now() + interval '1 minute'`,
  )
  const bucket = newest?.bucket ?? null
  // Known when the statement is planned, so that of a hundred partitions one or two are looked at.
  const [row] = await sql.query<Row>(
    'database-rollup-lag',
    `SELECT ${isoSql('newest_row')} AS newest_row_at, ${isoSql('$1::timestamptz')} AS newest_bucket_at,
       coalesce(extract(epoch FROM CASE WHEN $1::timestamptz IS NULL THEN now() - newest_row
         ELSE date_trunc('minute', newest_row, 'UTC') - $1::timestamptz END), 0) AS lag_seconds
     FROM (SELECT max(created_at) AS newest_row FROM api_requests
       WHERE created_at >= $2 AND created_at < now() + interval '1 minute') AS newest`,
    [bucket, bucket ?? new Date(0)],
  )
  return row ?? { newest_row_at: null, newest_bucket_at: null, lag_seconds: 0 }
}

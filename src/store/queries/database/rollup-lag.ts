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
  const [row] = await sql.query<Row>(
    'database-rollup-lag',
    `SELECT ${isoSql('newest_row')} AS newest_row_at, ${isoSql('newest_bucket')} AS newest_bucket_at,
       coalesce(greatest(extract(epoch FROM date_trunc('minute', newest_row, 'UTC') - newest_bucket), 0),
         CASE WHEN newest_row IS NULL THEN 0 ELSE extract(epoch FROM now() - newest_row) END) AS lag_seconds
     FROM (SELECT
       (SELECT max(created_at) FROM api_requests WHERE created_at < now() + interval '1 minute') AS newest_row,
       (SELECT max(bucket) FROM rollup_minute WHERE bucket < now() + interval '1 minute') AS newest_bucket) AS newest`,
  )
  return row ?? { newest_row_at: null, newest_bucket_at: null, lag_seconds: 0 }
}

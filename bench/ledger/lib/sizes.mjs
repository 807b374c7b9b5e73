// @ts-check
/** What an exchange takes on disk. */

const families = [
  'api_requests',
  'rollup_minute',
  'rollup_hour',
  'rollup_day',
  'latency_minute',
  'latency_hour',
  'latency_day',
]

/** @param {import('pg').Pool} pool */
export async function sizes(pool) {
  const { rows } = await pool.query(
    `SELECT family, coalesce(sum(pg_table_size(relid)), 0)::float8 AS table_bytes,
       coalesce(sum(pg_indexes_size(relid)), 0)::float8 AS index_bytes,
       (SELECT sum(reltuples) FROM pg_partition_tree(family::regclass) AS t JOIN pg_class ON oid = t.relid WHERE isleaf)::float8 AS rows
     FROM unnest($1::text[]) AS family, pg_partition_tree(family::regclass) WHERE isleaf GROUP BY family`,
    [families],
  )
  const counted = await pool.query('SELECT count(*)::float8 AS exchanges FROM api_requests')
  const exchanges = Number(counted.rows[0].exchanges)
  const byFamily = families.map((family) => {
    const row = rows.find((one) => one.family === family)
    const per = (/** @type {number} */ bytes) => Math.round((bytes / exchanges) * 10) / 10
    return { family, rows: row.rows, table: per(row.table_bytes), indexes: per(row.index_bytes) }
  })
  const all = (/** @type {readonly typeof byFamily[number][]} */ list) =>
    Math.round(list.reduce((sum, one) => sum + one.table + one.indexes, 0))
  return {
    exchanges,
    perExchange: {
      row: all(byFamily.filter((one) => one.family === 'api_requests')),
      rollups: all(byFamily.filter((one) => one.family !== 'api_requests')),
    },
    byFamily,
  }
}

import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'
import { nameOfStatement, withoutLiterals } from './without-literals.ts'

interface Row {
  readonly query: string | null
  readonly calls: number
  readonly rows: number
  readonly mean_ms: number
  readonly max_ms: number
  readonly total_ms: number
  readonly share: number | null
}

const rowsLimit = 20
const textLimit = 4_000

/** Why there are no figures of statements, and the statement that changes it. */
export interface StatementsMissing {
  readonly reason: string
  readonly fix: string | null
}

/** The state of `pg_stat_statements` on this server; null where it can be read. `schema` is where its views are. */
export async function statementsSource(sql: Sql): Promise<{ readonly schema: string } | StatementsMissing> {
  const [row] = await sql.query<{ schema: string | null; available: boolean; preloaded: string | null }>(
    'database-statements-source',
    `SELECT (SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'pg_stat_statements') AS schema,
      EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
      -- Not shown to every role.
      (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded`,
  )
  const { schema = null, available = false, preloaded = null } = row ?? {}
  if (!available && schema === null) {
    return {
      reason:
        'The server has no pg_stat_statements: install PostgreSQL’s contrib package, or switch it on at the provider.',
      fix: null,
    }
  }
  const libraries = preloaded?.split(',').map((name) => name.trim().replaceAll('"', '')) ?? null
  if (libraries !== null && !libraries.includes('pg_stat_statements')) {
    return {
      reason: 'pg_stat_statements is not loaded. Set it, restart the server, then reload this page.',
      fix: `ALTER SYSTEM SET shared_preload_libraries = ${[...libraries.filter(Boolean), 'pg_stat_statements'].map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')};`,
    }
  }
  if (schema === null)
    return {
      reason: 'The extension pg_stat_statements is not made in this database.',
      fix: 'CREATE EXTENSION pg_stat_statements;',
    }
  return { schema }
}

/** The slowest statements of our database. Single fast runs are noise and left out. */
export async function statements(sql: Sql, schema: string) {
  const rows = await sql.query<Row>(
    'database-statements',
    `SELECT CASE WHEN query = '<insufficient privilege>' THEN NULL ELSE left(query, ${textLimit}) END AS query, calls, rows,
       mean_exec_time AS mean_ms, max_exec_time AS max_ms, total_exec_time AS total_ms,
       total_exec_time / nullif(sum(total_exec_time) OVER (), 0) AS share
     FROM ${schema}.pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (calls > 1 OR total_exec_time > 1000)
     ORDER BY mean_exec_time DESC LIMIT ${rowsLimit}`,
  )
  const [info] = await sql.query<{ since: string | null }>(
    'database-statements-since',
    `SELECT ${isoSql('stats_reset')} AS since FROM ${schema}.pg_stat_statements_info`,
  )
  return {
    since: info?.since ?? null,
    slowest: rows.map(({ query, ...row }) => ({
      name: query === null ? null : nameOfStatement(query),
      query: query === null ? null : withoutLiterals(query),
      ...row,
    })),
  }
}

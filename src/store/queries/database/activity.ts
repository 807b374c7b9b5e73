import type { Sql } from '../../sql.ts'
import { withoutLiterals } from './without-literals.ts'

const rowsLimit = 20
/** The longest text that is read of any statement. */
const textLimit = 4_000

interface Running {
  readonly pid: number
  readonly application: string
  readonly role: string | null
  readonly state: string | null
  readonly statement_seconds: number | null
  readonly transaction_seconds: number | null
  readonly waits_for: string | null
  readonly query: string | null
}

interface Longest {
  readonly longest_statement_seconds: number | null
  readonly longest_transaction_seconds: number | null
  readonly idle_in_transaction: number
  readonly longest_idle_in_transaction_seconds: number | null
}

interface Blocked {
  readonly pid: number
  readonly blocked_by: readonly number[]
  readonly seconds: number | null
  readonly lock: string | null
  readonly query: string | null
}

/** Clients at work, but for whoever asks: only their session shows this very statement. */
const atWork = `pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'`
const shownText = `CASE WHEN query = '<insufficient privilege>' THEN NULL ELSE left(query, ${textLimit}) END AS query`

/** What runs, how long, and who waits for whom. */
export async function activity(sql: Sql) {
  const [longest] = await sql.query<Longest>(
    'database-longest',
    `SELECT max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active') AS longest_statement_seconds,
      max(extract(epoch FROM clock_timestamp() - xact_start)) AS longest_transaction_seconds,
      count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
      max(extract(epoch FROM clock_timestamp() - state_change)) FILTER (WHERE state LIKE 'idle in transaction%')
        AS longest_idle_in_transaction_seconds
     FROM ${atWork}`,
  )
  const running = await sql.query<Running>(
    'database-running',
    `SELECT pid, application_name AS application, usename AS role, state,
      extract(epoch FROM clock_timestamp() - query_start) AS statement_seconds,
      extract(epoch FROM clock_timestamp() - xact_start) AS transaction_seconds,
      nullif(concat_ws(': ', wait_event_type, wait_event), '') AS waits_for, ${shownText}
     FROM ${atWork} ORDER BY coalesce(xact_start, query_start), pid LIMIT ${rowsLimit}`,
  )
  // Asking who blocks a session takes locks of the lock manager itself, so only those that wait are asked for.
  const blocked = await sql.query<Blocked>(
    'database-blocked',
    `SELECT pid, pg_blocking_pids(pid) AS blocked_by, extract(epoch FROM clock_timestamp() - query_start) AS seconds,
      wait_event AS lock, ${shownText}
     FROM ${atWork} AND wait_event_type = 'Lock' ORDER BY query_start, pid LIMIT ${rowsLimit}`,
  )
  return {
    longest_statement_seconds: longest?.longest_statement_seconds ?? null,
    longest_transaction_seconds: longest?.longest_transaction_seconds ?? null,
    idle_in_transaction: longest?.idle_in_transaction ?? 0,
    longest_idle_in_transaction_seconds: longest?.longest_idle_in_transaction_seconds ?? null,
    running: running.map(shown),
    blocked: blocked.map((row) => shown({ ...row, blocked_by: [...row.blocked_by] })),
  }
}

function shown<Row extends { readonly query: string | null }>(row: Row): Row {
  return { ...row, query: row.query === null ? null : withoutLiterals(row.query) }
}

import type pg from 'pg'

/** What stands between us and the server; `auto` looks for itself. */
export type PoolerSetting = 'auto' | 'none' | 'transaction'

/**
 * Whether a pooler (PgBouncer and its like) may hand each transaction of this connection to another server process. Then
 * nothing that lives longer than a transaction can be relied on: prepared statements, LISTEN, SET, locks of a session.
 *
 * A pooler greets with a process id of its own making, so it differs from the one that the server process knows. A pooler
 * that keeps sessions together looks the same; `DATABASE_POOLER=none` says that it does.
 */
export async function isPooled(client: pg.ClientBase, setting: PoolerSetting): Promise<boolean> {
  if (setting !== 'auto') return setting === 'transaction'
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid !== greetedAs(client)
}

/** The driver keeps what the greeting said under this name, which its types leave out. */
function greetedAs(client: pg.ClientBase): unknown {
  return 'processID' in client ? client.processID : undefined
}

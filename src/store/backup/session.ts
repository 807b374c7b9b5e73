import pg from 'pg'
import { connectionConfig } from '../drivers/server.ts'
import { codeOf } from '../store-error.ts'
import { BackupError } from './backup-error.ts'

export interface SessionOptions {
  /** `postgres://…` of the ledger. */
  readonly url: string
  /** What the server shows the connection as. */
  readonly name: string
  /** Cuts the connection; the server then rolls back. */
  readonly signal: AbortSignal
}

/** One connection for one piece of work. Rejects with the signal's reason once it aborts. */
export async function withSession<T>(options: SessionOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { url, name, signal } = options
  signal.throwIfAborted()
  const client = new pg.Client(connectionConfig(url, name))
  // A connection that breaks is told by the statement in flight.
  client.on('error', () => undefined)
  const cut = (): void => void client.end().catch(() => undefined)
  signal.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
    return await work(client)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cut)
    await client.end().catch(() => undefined)
  }
}

/**
 * Commits what `work` did, or nothing of it. Settings are local to the transaction, so that a pooler may hand the
 * connection on afterwards. They are set by utility statements: the snapshot is taken by the first query of `work`.
 */
export async function inTransaction<T>(client: pg.Client, begin: string, work: () => Promise<T>): Promise<T> {
  await client.query(begin)
  try {
    for (const setting of localSettings) await client.query(`set local ${setting}`)
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    // A connection in the middle of a COPY takes no statement; closing it rolls back as well.
    void client.query('rollback').catch(() => undefined)
    if (codeOf(error) === lockNotAvailable)
      throw new BackupError(
        'target_in_use',
        'Somebody holds a lock on the ledger for longer than 20 s. Nothing was changed.',
        {
          cause: error,
        },
      )
    throw error
  }
}

const lockNotAvailable = '55P03'

/** Long work is meant to be long; a lock that is not to be had is told; text forms are those that every server reads. */
const localSettings = [
  'statement_timeout = 0',
  'idle_in_transaction_session_timeout = 0',
  "lock_timeout = '20s'",
  "client_encoding = 'UTF8'",
  "timezone = 'UTC'",
  "datestyle = 'ISO'",
  "intervalstyle = 'iso_8601'",
  'extra_float_digits = 1',
]

/** The quoted form of a name. */
export const quoted = (name: string): string => pg.escapeIdentifier(name)

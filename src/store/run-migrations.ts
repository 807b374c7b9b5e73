import { access } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { connectionConfig, surviveBreaks } from './drivers/server.ts'
import { type Migration, migrate, type OnMigrationStep, pendingMigrations } from './migrate.ts'
import { migrations } from './migrations/index.ts'

/** The steps that a database lacks, in order; it is not changed. Throws as `migrate` does, and where it does not answer. */
export const planMigration = (url: string): Promise<readonly Migration[]> =>
  withPool(url, undefined, (pool) => pendingMigrations(pool))

/**
 * `migrate` on connections of its own, without the deadline that all other statements have: a step over millions of rows
 * takes as long as it takes. The signal ends it, and then nothing was changed.
 */
export const runMigrations = (
  url: string,
  {
    onStep,
    signal,
    steps,
  }: { readonly onStep?: OnMigrationStep; readonly signal?: AbortSignal; readonly steps?: readonly Migration[] } = {},
): Promise<string[]> => withPool(url, signal, (pool) => migrate(pool, steps, onStep))

async function withPool<T>(
  url: string,
  signal: AbortSignal | undefined,
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ ...connectionConfig(url, 'migrate'), max: 2 })
  surviveBreaks(pool)
  const clients = new Set<pg.Client>()
  pool.on('connect', (client) => void (client instanceof pg.Client && clients.add(client)))
  // A connection with a statement under way is cut, and its transaction with it.
  const cut = (): void => clients.forEach((client) => void client.end().catch(() => undefined))
  signal?.addEventListener('abort', cut)
  try {
    signal?.throwIfAborted()
    return await work(pool)
  } finally {
    signal?.removeEventListener('abort', cut)
    await pool.end()
  }
}

/** Whether an embedded database was ever made there. */
export async function hasEmbeddedCluster(dataDir: string): Promise<boolean> {
  return access(path.join(dataDir, 'postgres', 'data', 'PG_VERSION')).then(
    () => true,
    () => false,
  )
}

/** What a database that does not exist yet will be made of. */
export const wholeSchema: readonly Migration[] = migrations

import { access } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { connectionConfig, surviveBreaks } from './drivers/server.ts'
import { type Migration, pendingMigrations } from './migrate.ts'
import { migrations } from './migrations/index.ts'

/** The steps that a database lacks, in order; it is not changed. Throws as `migrate` does, and where it does not answer. */
export async function planMigration(url: string): Promise<readonly Migration[]> {
  const pool = new pg.Pool({ ...connectionConfig(url, 'migrate'), max: 1 })
  surviveBreaks(pool)
  try {
    return await pendingMigrations(pool)
  } finally {
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

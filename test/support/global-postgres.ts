import { chmod } from 'node:fs/promises'
import { removeSharedServer, sharedDirVariable, temporaryDataDir } from './postgres.ts'

/**
 * Vitest global setup: names a folder for the run's one PostgreSQL, which the first test that wants a database starts
 * (see postgres.ts), and stops it at the end. A run without such a test starts nothing.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const dir = await temporaryDataDir()
  await chmod(dir, 0o711)
  process.env[sharedDirVariable] = dir
  return () => removeSharedServer(dir)
}

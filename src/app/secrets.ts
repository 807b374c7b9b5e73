import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '../config/schema.ts'

/** A secret of this installation: made once, kept in the data directory with mode 0600. */
export function keptSecret(dataDir: string, name: string): { readonly value: string; readonly file: string } {
  const file = path.join(dataDir, name)
  try {
    const value = readFileSync(file, 'utf8').trim()
    if (value !== '') return { value, file }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const value = randomBytes(24).toString('base64url')
  writeFileSync(file, `${value}\n`, { mode: 0o600 })
  return { value, file }
}

/** What client keys are hashed with. Several machines that share a database share it through KEY_PEPPER. */
export const pepperFile = 'key-pepper'
/** Below the data directory; made where no key was configured. */
export const dashboardKeyFile = 'dashboard-key'

/** The pepper of client keys: the configured one, else this installation's own. */
export const pepperOf = (config: Config): string =>
  config.keyPepper?.reveal() ?? keptSecret(config.dataDir, pepperFile).value

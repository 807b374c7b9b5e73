import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

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

/** Keys client keys are hashed with. Several machines that share a database share it through KEY_PEPPER. */
export const pepperFile = 'key-pepper'
export const dashboardKeyFile = 'dashboard-key'

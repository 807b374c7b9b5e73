import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { ClientKey } from '../core/client-key.ts'

const clientKeys = z.array(
  z.object({
    id: z.string(),
    hash: z.string(),
    domain: z.string(),
    name: z.string(),
    expiresAt: z.number().nullable(),
    revokedAt: z.number().nullable(),
  }),
)

/** The client keys as they were last seen, hashes only: callers are told apart while the database is away at start. */
export function readKeySnapshot(dataDir: string): readonly ClientKey[] {
  try {
    return clientKeys.parse(JSON.parse(readFileSync(fileOf(dataDir), 'utf8')))
  } catch {
    return [] // None yet, or a torn one: the database has the truth and rewrites it.
  }
}

/** Written whole or not at all, for its owner only. */
export function writeKeySnapshot(dataDir: string, keys: readonly ClientKey[]): void {
  const file = fileOf(dataDir)
  writeFileSync(`${file}.new`, JSON.stringify(keys), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

const fileOf = (dataDir: string): string => path.join(dataDir, 'client-keys.json')

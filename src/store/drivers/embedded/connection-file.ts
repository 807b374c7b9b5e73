import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../store-error.ts'

/** How to reach the embedded server of a data directory; kept over restarts, so port and password stay the same. */
export interface EmbeddedConnection {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

const connectionSchema = z.object({
  host: z.literal('127.0.0.1'),
  port: z.number().int().min(1).max(65535),
  user: z.string().min(1),
  password: z.string().min(1),
  database: z.string().min(1),
})

const fileName = 'connection.json'

/**
 * Reads `connection.json` of a data directory; null where there is none or it is damaged. Command-line programs find
 * the running server with it.
 */
export async function readConnectionFile(dataDir: string): Promise<EmbeddedConnection | null> {
  try {
    return connectionSchema.parse(JSON.parse(await readFile(path.join(dataDir, fileName), 'utf8')))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}

/** Writes it whole or not at all, readable by its owner only. */
export async function writeConnectionFile(dataDir: string, connection: EmbeddedConnection): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const file = path.join(dataDir, fileName)
  const body = { ...connection, url: connectionUrl(connection) }
  await writeFile(`${file}.new`, `${JSON.stringify(body, null, 2)}\n`, { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}

/** `postgres://user:password@127.0.0.1:port/database`, as psql takes it. */
export function connectionUrl(connection: EmbeddedConnection): string {
  const { user, password, host, port, database } = connection
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

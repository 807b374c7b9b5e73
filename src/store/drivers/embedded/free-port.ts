import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { StoreError } from '../../store-error.ts'

/** Below the range that Linux takes for outgoing connections, so that a kept port is rarely taken at the next start. */
const firstPort = 20_000
const lastPort = 32_000
const tries = 50

/** The preferred port where it is free, else a random free one. */
export async function freePort(preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred
  for (let turn = 0; turn < tries; turn++) {
    const port = randomInt(firstPort, lastPort)
    if (await isFree(port)) return port
  }
  throw new StoreError('server_failed', `No free port between ${firstPort} and ${lastPort} for PostgreSQL.`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

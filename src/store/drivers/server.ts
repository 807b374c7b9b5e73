import pg from 'pg'
import type { StoreConfig } from '../config.ts'

/** The two ways into the database; `LISTEN` has a connection of its own (see listener.ts). */
export interface Pools {
  readonly writer: pg.Pool
  /** For questions of the dashboard, each in a transaction of `beginReading`. */
  readonly reader: pg.Pool
  /** Read-only as well, for exports: few connections and more time, so that they take nothing from the dashboard. */
  readonly exporter: pg.Pool
  end(): Promise<void>
}

const connectTimeoutMs = 5_000
const idleTimeoutMs = 30_000
/** A write that is not answered by then went to a server that is gone without a word. */
const writeTimeoutMs = 60_000
/** A page of an export that few rows pass may have to look through a month of the ledger. */
export const exportTimeoutMs = 60_000
const exporterConnections = 2
/** For one sort or hash of one question; what needs more goes to disk. */
const readerWorkMem = '16MB'
/** Statements in flight may end first; a server that does not answer must not hold up the stop. */
const endPatienceMs = 5_000

/**
 * Connection settings shared by everything here. Sizes and sums of rows come as numbers: they stay below 2^53, and sums
 * of money are turned into dollars in SQL.
 */
export function connectionConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: verified(url),
    application_name: `signalbox ${name}`,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: typeParser },
  }
}

/**
 * A connection is verified against the server's certificate, or not encrypted at all. The driver treats the modes between
 * the same way, with a warning on the console for each process; so they are told as what they are.
 */
function verified(url: string): string {
  if (/[?&]uselibpqcompat=true(?:&|$)/.test(url)) return url
  return url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, '$1verify-full')
}

const numberTypes: ReadonlySet<number> = new Set([pg.types.builtins.INT8, pg.types.builtins.NUMERIC])

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (numberTypes.has(oid) && format !== 'binary') return Number
  return pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text')
}

/** Pools for a server; nothing connects until the first statement. TLS and the rest come from the URL's parameters. */
export function createPools(url: string, config: StoreConfig): Pools {
  const writer = new pg.Pool({
    ...connectionConfig(url, 'writer'),
    max: config.writerConnections,
    idleTimeoutMillis: idleTimeoutMs,
    query_timeout: writeTimeoutMs,
    allowExitOnIdle: true,
  })
  const reader = new pg.Pool({
    ...connectionConfig(url, 'reader'),
    max: config.readerConnections,
    idleTimeoutMillis: idleTimeoutMs,
    query_timeout: config.readTimeoutMs + connectTimeoutMs,
    allowExitOnIdle: true,
  })
  const exporter = new pg.Pool({
    ...connectionConfig(url, 'exporter'),
    max: exporterConnections,
    idleTimeoutMillis: idleTimeoutMs,
    query_timeout: exportTimeoutMs + connectTimeoutMs,
    // Exports take turns, page by page; the one at the end of the line waits for the pages before its own.
    connectionTimeoutMillis: 2 * exportTimeoutMs,
    allowExitOnIdle: true,
  })
  for (const pool of [writer, reader, exporter]) surviveBreaks(pool)
  return {
    writer,
    reader,
    exporter,
    async end() {
      const ended = Promise.allSettled([writer.end(), reader.end(), exporter.end()])
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, endPatienceMs)
      })
      await Promise.race([ended, late])
      clearTimeout(timer)
    },
  }
}

/**
 * A connection that breaks is dropped by its pool, and the statement that is under way fails. Where none is (an idle
 * connection, or one that was lent and stands between two statements), it is an event, which ends the process where nobody
 * listens.
 */
export function surviveBreaks(pool: pg.Pool): void {
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
}

/**
 * How a question of the dashboard begins its transaction: it can not write, it ends in time, it takes one process of the
 * server and little of its memory. Of the transaction and not
 * of the session, so that it also holds behind a pooler, where the session may be the recorder's next.
 */
export function beginReading(timeoutMs: number): string {
  const ms = Math.trunc(timeoutMs)
  return [
    'begin read only',
    `set local statement_timeout = ${ms}`,
    // Our side has two more statements to send; a process that died in between must not hold the past open.
    'set local idle_in_transaction_session_timeout = 10000',
    `set local work_mem = '${readerWorkMem}'`,
    'set local max_parallel_workers_per_gather = 0',
  ].join('; ')
}

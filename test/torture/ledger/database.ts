/** A PostgreSQL server that may be mistreated: durable as a real one, and every way to take it away. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { startEmbedded } from '../../../src/store/drivers/embedded/start-embedded.ts'
import { killQuietly, postgresOf, postmasterOf } from '../../support/signalbox-process.ts'
import { until } from '../../support/until.ts'

export interface TortureServer {
  readonly dataDir: string
  /** A database of its own, empty; Signalbox migrates it. */
  newDatabase(): Promise<Database>
  postmaster(): number | undefined
  /** Ends the server and all backends at once, as a crash of the machine would; what was written stays. It comes back. */
  crash(): void
  signal(signal: NodeJS.Signals): void
  /** Stops it where it is: it neither answers nor refuses. Returns how to let it go on. */
  freeze(): () => void
  /** Puts these lines before all others of `pg_hba.conf`; returns how to take them back. */
  admit(lines: string): Promise<() => Promise<void>>
  /** Waits until connections are taken. */
  answers(): Promise<void>
  stop(): Promise<void>
}

export interface Database {
  readonly url: string
  readonly name: string
  query<R extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<R[]>
  /** A connection of one's own, for transactions. */
  connect(): Promise<pg.Client>
}

export async function startTortureServer(
  options: { dataDir?: string; settings?: Readonly<Record<string, string | number | boolean>> } = {},
): Promise<TortureServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(os.tmpdir(), 'signalbox-torture-db-')))
  const settings = { shared_buffers: '32MB', max_wal_size: '128MB', deadlock_timeout: '200ms', ...options.settings }
  const embedded = await startEmbedded({ dataDir, clock: systemClock, logger: silentLogger, settings })
  const admin = database(embedded.url)
  const hba = path.join(dataDir, 'postgres/data/pg_hba.conf')
  return {
    dataDir,
    async newDatabase() {
      const name = `torture_${randomBytes(4).toString('hex')}`
      await until('a database is made', () =>
        admin.query(`create database ${name}`).then(
          () => true,
          () => false,
        ),
      )
      const url = new URL(embedded.url)
      url.pathname = `/${name}`
      return database(url.href)
    },
    postmaster: () => postmasterOf(dataDir),
    crash() {
      for (const pid of postgresOf(dataDir)) killQuietly(pid, 'SIGKILL')
    },
    signal(signal) {
      const pid = postmasterOf(dataDir)
      if (pid !== undefined) killQuietly(pid, signal)
    },
    freeze() {
      const frozen = postgresOf(dataDir)
      for (const pid of frozen) killQuietly(pid, 'SIGSTOP')
      return () => {
        for (const pid of frozen) killQuietly(pid, 'SIGCONT')
      }
    },
    async admit(lines) {
      const before = readFileSync(hba, 'utf8')
      const put = async (text: string): Promise<void> => {
        writeFileSync(hba, text)
        const pid = postmasterOf(dataDir)
        if (pid !== undefined) killQuietly(pid, 'SIGHUP')
      }
      await put(`${lines}\n${before}`)
      return () => put(before)
    },
    answers: () =>
      until('the database answers', () =>
        admin.query('select 1').then(
          () => true,
          () => false,
        ),
      ).then(() => undefined),
    async stop() {
      for (const pid of postgresOf(dataDir)) killQuietly(pid, 'SIGCONT')
      await embedded.stop()
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function database(url: string): Database {
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 60_000 })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  return {
    url,
    name: new URL(url).pathname.slice(1),
    connect,
    async query<R extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
      const client = await connect()
      try {
        return (await client.query<R>(sql, [...values])).rows
      } finally {
        await client.end().catch(() => undefined)
      }
    },
  }
}

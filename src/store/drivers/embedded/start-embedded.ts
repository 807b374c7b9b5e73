import { randomBytes } from 'node:crypto'
import path from 'node:path'
import pg from 'pg'
import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/logger.ts'
import { codeOf, messageOf, StoreError } from '../../store-error.ts'
import { type Binaries, locateBinaries } from './binaries.ts'
import { prepareClusterDir } from './cluster-dir.ts'
import { connectionUrl, type EmbeddedConnection, readConnectionFile, writeConnectionFile } from './connection-file.ts'
import { freePort } from './free-port.ts'
import { type Cluster, dataOf, giveCluster, initCluster, resetPassword, writeSettings } from './init-cluster.ts'
import { findPostmaster, logSince, logSize, type Postmaster, spawnPostmaster, stopPostmaster } from './postmaster.ts'
import { findRuntimeUser } from './runtime-user.ts'
import { defaultSettings, type PostgresSettings } from './settings.ts'
import { supervise } from './supervise.ts'

export interface EmbeddedPostgres {
  /** `postgres://…` of the server, with its password. */
  readonly url: string
  readonly connection: EmbeddedConnection
  /** True where a server was found running and kept. */
  readonly adopted: boolean
  /** The process id of the server now; changes when it was restarted. */
  pid(): number
  /** Fast shutdown; afterwards nothing of it runs. */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  /** Overrule the defaults, for tests. */
  readonly settings?: PostgresSettings
}

const databaseName = 'signalbox'
/** Crash recovery after a power cut can take this long on a slow disk. */
const startPatienceMs = 120_000
const pollMs = 25
/** A port can be taken between the look and the start; more often than this it is something else. */
const startTries = 3

/**
 * A PostgreSQL server of our own on a data directory: made at first use, adopted where an earlier process of ours left it
 * running, restarted when it dies. The caller must hold the lock of the data directory.
 * Throws `StoreError` with what to do about it.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { clock, logger } = options
  const dataDir = path.resolve(options.dataDir)
  const user = await findRuntimeUser()
  const binaries: Binaries = await locateBinaries(user)
  const cluster: Cluster = { dir: await prepareClusterDir(dataDir, user), user, binaries }
  const settings = { ...defaultSettings, ...options.settings }
  const kept = await readConnectionFile(dataDir)
  const start: Start = { cluster, settings, clock, logger, dataDir }
  const { postmaster, connection, adopted } = (await adopt(start, kept)) ?? (await startFresh(start, kept))
  await prepareDatabase(connection)
  logger.info('postgres_started', adopted ? 'Embedded PostgreSQL adopted' : 'Embedded PostgreSQL started', {
    pid: postmaster.pid,
    port: connection.port,
    dir: cluster.dir,
  })
  const supervision = supervise({ cluster, postmaster, clock, logger, restart: () => launch(start, connection) })
  return {
    url: connectionUrl(connection),
    connection,
    adopted,
    pid: supervision.pid,
    stop: supervision.stop,
  }
}

interface Start {
  readonly cluster: Cluster
  readonly settings: PostgresSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly dataDir: string
}

interface Started {
  readonly postmaster: Postmaster
  readonly connection: EmbeddedConnection
  readonly adopted: boolean
}

/** Keeps a server that is ours, answers and has today's settings; stops any other one on the cluster; null for none. */
async function adopt(start: Start, kept: EmbeddedConnection | null): Promise<Started | null> {
  const { cluster, clock, logger } = start
  const postmaster = await findPostmaster(cluster)
  if (postmaster === null) return null
  const changed = await writeSettings(cluster, start.settings)
  const connection = kept === null ? null : { ...kept, port: postmaster.port }
  if (connection !== null && !changed && (await answersAs(cluster, connection, clock))) {
    if (connection.port !== kept?.port) await writeConnectionFile(start.dataDir, connection)
    return { postmaster, connection, adopted: true }
  }
  logger.warn('postgres_left_behind', 'A PostgreSQL server left behind by an earlier run is stopped', {
    pid: postmaster.pid,
    reason: changed ? 'settings_changed' : 'no_answer',
  })
  await stopPostmaster(cluster, postmaster, clock)
  return null
}

/** True where the server takes our password, is of our version, and works on this very directory. */
async function answersAs(cluster: Cluster, connection: EmbeddedConnection, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonic() + 10_000
  for (;;) {
    try {
      return await withClient({ ...connection, database: 'postgres' }, async (client) => {
        const { rows } = await client.query<{ dir: string; version: string }>(
          `select current_setting('data_directory') as dir, current_setting('server_version') as version`,
        )
        const row = rows[0]
        return row?.dir === dataOf(cluster) && cluster.binaries.version.startsWith(row.version)
      })
    } catch (error) {
      if (!isStillStarting(error) || clock.monotonic() > deadline) return false
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }
}

async function startFresh(start: Start, kept: EmbeddedConnection | null): Promise<Started> {
  const { cluster, dataDir, logger } = start
  for (let turn = 1; ; turn++) {
    const port = await freePort(turn === 1 ? kept?.port : undefined)
    const connection: EmbeddedConnection = {
      host: '127.0.0.1',
      port,
      user: 'signalbox',
      password: kept?.password ?? randomBytes(24).toString('base64url'),
      database: databaseName,
    }
    await giveCluster(cluster)
    // Before initdb, so that there is no moment at which a cluster exists whose password nobody knows.
    await writeConnectionFile(dataDir, connection)
    const made = await initCluster(cluster, connection)
    await writeSettings(cluster, start.settings)
    if (!made && kept === null) {
      logger.warn('postgres_password_reset', 'connection.json was missing: the database got a new password')
      await resetPassword(cluster, connection)
    }
    try {
      return { postmaster: await launch(start, connection), connection, adopted: false }
    } catch (error) {
      if (turn >= startTries || !/address already in use|could not bind/i.test(messageOf(error))) throw error
    }
  }
}

/** Starts the server and waits until it takes connections. */
async function launch(start: Start, connection: EmbeddedConnection): Promise<Postmaster> {
  const { cluster, clock } = start
  const running = await findPostmaster(cluster)
  if (running !== null) await stopPostmaster(cluster, running, clock)
  const logStart = await logSize(cluster)
  const postmaster = await spawnPostmaster(cluster, connection.port)
  const deadline = clock.monotonic() + startPatienceMs
  for (;;) {
    try {
      await withClient({ ...connection, database: 'postgres' }, async (client) => client.query('select 1'))
      return postmaster
    } catch (error) {
      const said = await logSince(cluster, logStart)
      if (postmaster.child.exitCode !== null || postmaster.child.signalCode !== null) {
        throw new StoreError('server_failed', `PostgreSQL does not start in ${cluster.dir}: ${said}`, { cause: error })
      }
      if (!isStillStarting(error) || clock.monotonic() > deadline) {
        await stopPostmaster(cluster, postmaster, clock)
        throw new StoreError(
          'server_failed',
          `PostgreSQL started in ${cluster.dir} but does not answer: ${messageOf(error)}. ${said}`,
          { cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }
}

/** 57P03: cannot connect now (starting up, recovering). */
function isStillStarting(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED' || codeOf(error) === '57P03' || codeOf(error) === 'ECONNRESET'
}

async function prepareDatabase(connection: EmbeddedConnection): Promise<void> {
  await withClient({ ...connection, database: 'postgres' }, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [connection.database])
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(connection.database)}`)
  })
  await withClient(connection, (client) => client.query('create extension if not exists pg_stat_statements'))
}

async function withClient<T>(connection: EmbeddedConnection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5_000, query_timeout: 30_000 })
  // A server that goes away between two statements is reported by the next one.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { QueryFinished } from '../core/signals.ts'
import { createClientKeys } from './client-keys.ts'
import type { StoreConfig } from './config.ts'
import { createDatabaseReport } from './database-report.ts'
import { ensureDefaultPartitions } from './default-partition.ts'
import { startEmbedded } from './drivers/embedded/start-embedded.ts'
import { createListener } from './drivers/listener.ts'
import { beginReading, createPools, exportTimeoutMs, type Pools } from './drivers/server.ts'
import { exportRows } from './export/index.ts'
import { createImports } from './imports.ts'
import { createJobs } from './jobs.ts'
import { prepareSchema } from './prepare-schema.ts'
import { createQueries } from './queries/index.ts'
import { createRecentWaits } from './recent-waits.ts'
import { dropExpired, heldSince, keptFor, partitionDaysAhead } from './retention.ts'
import { createNamedSql } from './run-named.ts'
import type { Sql } from './sql.ts'
import type { Store } from './store.ts'
import { messageOf } from './store-error.ts'
import { watchStatements } from './watch-statements.ts'
import { createWriteExchanges, createWriteImported } from './writers/write-exchanges.ts'

export interface OpenStoreOptions {
  readonly config: StoreConfig
  /** Where the embedded server lives; its lock is held by the caller (see lock-data-dir.ts). */
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onQuery?: (query: QueryFinished) => void
  /** Told how long each statement waited for a connection. */
  readonly onWait?: (ms: number) => void
}

const pingTimeoutMs = 2_000

/**
 * Opens the ledger: the server of `databaseUrl`, or an embedded PostgreSQL in the data directory. A server that is away is
 * no reason to fail: the store comes back at once and connects and migrates in the background (`ready`).
 * Throws `StoreError` where only a person can help: no binaries for this platform, an unusable data directory.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { config, dataDir, clock, logger } = options
  if (config.databaseUrl !== undefined) return connectStore(options, config.databaseUrl, async () => undefined)
  const embedded = await startEmbedded({ dataDir, clock, logger })
  return connectStore(options, embedded.url, embedded.stop)
}

function connectStore(options: OpenStoreOptions, url: string, stopServer: () => Promise<void>): Store {
  const { config, clock, logger } = options
  const pools = createPools(url, config)
  for (const pool of [pools.writer, pools.reader, pools.exporter])
    watchStatements(pool, { clock, logger, slowQueryThresholdMs: config.slowQueryThresholdMs })
  const preparation = prepareSchema({ url, pools, config, clock, logger })
  const listener = createListener({
    url,
    pooler: config.databasePooler,
    clock,
    onChange(up, error) {
      if (up) logger.info('database_up', 'The database is there')
      else logger.error('database_down', 'The database is away', { error: messageOf(error) })
      if (up) preparation.hurry()
    },
  })
  const onQuery = options.onQuery ?? (() => undefined)
  const isReady = preparation.isReady
  const waits = createRecentWaits()
  const slow = { slowQueryThresholdMs: config.slowQueryThresholdMs }
  const onWait = (ms: number): void => {
    waits.add(ms)
    options.onWait?.(ms)
  }
  const common = { clock, logger, onQuery, onWait, isReady, ...slow }
  const writer = createNamedSql({ ...common, pool: pools.writer, prepared: () => !preparation.isPooled() })
  const repairPartitions = async (): Promise<void> => {
    for (const table of await ensureDefaultPartitions(pools.writer))
      logger.error('partition_lost', 'Partitions of a table are gone; its default partition was made anew', { table })
  }
  const reader = createNamedSql({ ...common, pool: pools.reader, begin: beginReading(config.readTimeoutMs) })
  const exporter = createNamedSql({ ...common, pool: pools.exporter, begin: beginReading(exportTimeoutMs) })
  return {
    ready: preparation.ready,
    state: () => ({ up: isReady() && listener.isUp(), pool: poolState(pools, config) }),
    ping: () => ping(pools),
    writeExchanges: createWriteExchanges(writer, repairPartitions),
    imports: createImports({
      sql: writer,
      pool: pools.writer,
      write: createWriteImported(writer, repairPartitions),
    }),
    queries: createQueries(reader, () => heldSince(config.retention, clock.now())),
    report: createDatabaseReport({
      sql: reader,
      clock,
      kind: config.databaseUrl === undefined ? 'embedded' : 'server',
      keepMs: (table) => keptFor(table, config.retention),
      waits,
    }),
    exportRows: (question) => exportRows(exporter, question),
    keys: createClientKeys(writer),
    jobs: createJobs({ sql: writer, clock, logger }),
    dropExpired: (signal) =>
      dropExpired({
        pool: pools.writer,
        retention: config.retention,
        rawUnit: config.partitions,
        now: clock.now(),
        signal,
        onDropped: ({ name, table }, bytes) =>
          logger.info('partition_dropped', 'A partition was too old and is gone', { table, partition: name, bytes }),
      }),
    partitionDaysAhead: () => partitionDaysAhead(pools.writer, clock.now()),
    sizeBytes: () => databaseSize(writer),
    listen: listener.listen,
    connectionUrl: () => url,
    async close() {
      preparation.stop()
      await listener.close()
      await pools.end()
      await stopServer()
    },
  }
}

function poolState(pools: Pools, config: StoreConfig): ReturnType<Store['state']>['pool'] {
  const all = [pools.writer, pools.reader]
  const idle = all.reduce((sum, pool) => sum + pool.idleCount, 0)
  return {
    used: all.reduce((sum, pool) => sum + pool.totalCount, 0) - idle,
    idle,
    waiting: all.reduce((sum, pool) => sum + pool.waitingCount, 0),
    max: config.writerConnections + config.readerConnections,
  }
}

async function databaseSize(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ bytes: number }>(
    'database-size',
    'select pg_database_size(current_database())::float8 as bytes',
  )
  return row?.bytes ?? 0
}

async function ping(pools: Pools): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), pingTimeoutMs)
  })
  // Not by the viewers' connections: when those are all taken the database is well all the same.
  const answer = pools.writer.query('select 1').then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

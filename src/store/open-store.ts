import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { QueryFinished } from '../core/signals.ts'
import { createBackoff } from './backoff.ts'
import { createClientKeys } from './client-keys.ts'
import type { StoreConfig } from './config.ts'
import { createDatabaseReport } from './database-report.ts'
import { ensureDefaultPartition } from './default-partition.ts'
import { startEmbedded } from './drivers/embedded/start-embedded.ts'
import { createListener } from './drivers/listener.ts'
import { createPools, type Pools } from './drivers/server.ts'
import { exportRows } from './export/index.ts'
import { createImports } from './imports.ts'
import { createJobs } from './jobs.ts'
import { migrate } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { createQueries } from './queries/index.ts'
import { createNamedSql } from './run-named.ts'
import type { Store } from './store.ts'
import { codeOf, messageOf, StoreError } from './store-error.ts'
import { createWriteExchanges, createWriteImported } from './writers/write-exchanges.ts'

export interface OpenStoreOptions {
  readonly config: StoreConfig
  /** Where the embedded server lives; its lock is held by the caller (see lock-data-dir.ts). */
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onQuery?: (query: QueryFinished) => void
}

/** Months are long: looking four times a day leaves room for a database that is away for weeks. */
const partitionCheckMs = 6 * 3_600_000
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
  const preparation = prepareSchema(pools, clock, logger)
  const listener = createListener({
    url,
    clock,
    onChange(up, error) {
      if (up) logger.info('database_up', 'The database is there')
      else logger.error('database_down', 'The database is away', { error: messageOf(error) })
      if (up) preparation.hurry()
    },
  })
  const onQuery = options.onQuery ?? (() => undefined)
  const isReady = preparation.isReady
  const common = { clock, logger, onQuery, isReady, slowQueryThresholdMs: config.slowQueryThresholdMs }
  const writer = createNamedSql({ ...common, pool: pools.writer, prepared: true })
  const repairPartitions = async (): Promise<void> => {
    if ((await ensureDefaultPartition(pools.writer)) === 'made')
      logger.error('partition_lost', 'A partition of the ledger is gone; the default partition was made anew', {})
  }
  const reader = createNamedSql({ ...common, pool: pools.reader })
  const exporter = createNamedSql({ ...common, pool: pools.exporter })
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
    queries: createQueries(reader),
    report: createDatabaseReport({
      sql: reader,
      clock,
      kind: config.databaseUrl === undefined ? 'embedded' : 'server',
      keepMs: () => null,
    }),
    exportRows: (question) => exportRows(exporter, question),
    keys: createClientKeys(writer),
    jobs: createJobs({ sql: writer, clock, logger }),
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

interface Preparation {
  readonly ready: Promise<void>
  isReady(): boolean
  /** Try now: the database was just seen. */
  hurry(): void
  stop(): void
}

/** Migrates and makes partitions, trying again until it works; later looks after the partitions of the months to come. */
function prepareSchema(pools: Pools, clock: Clock, logger: Logger): Preparation {
  const backoff = createBackoff(200, 10_000)
  let isReady = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let working = false
  let settle: { resolve(): void; reject(error: Error): void } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Nobody has to wait for it: a store that is closed early must not end the process.
  ready.catch(() => undefined)

  const work = async (): Promise<void> => {
    if (working || stopped) return
    working = true
    clearTimeout(timer)
    try {
      const ran = await migrate(pools.writer)
      if (ran.length > 0)
        logger.info('database_migrated', 'The database has the newest schema', {
          count: ran.length,
          names: ran.join(','),
        })
      await makePartitions(pools, clock, logger)
      backoff.reset()
      isReady = true
      settle?.resolve()
    } catch (error) {
      const fields = { error: messageOf(error), code: codeOf(error) ?? 'none' }
      logger.warn('database_not_ready', 'The database can not be prepared; trying again', fields)
    } finally {
      working = false
      if (!stopped) {
        timer = setTimeout(() => void work(), isReady ? partitionCheckMs : backoff.next())
        if (isReady) timer.unref()
      }
    }
  }
  void work()
  return {
    ready,
    isReady: () => isReady,
    hurry: () => void (isReady || work()),
    stop() {
      stopped = true
      clearTimeout(timer)
      if (!isReady) settle?.reject(new StoreError('unavailable', 'The store was closed before its database was there.'))
    },
  }
}

/** Without them rows go to the default partition and move later, so their failure is a warning and no reason to wait. */
async function makePartitions(pools: Pools, clock: Clock, logger: Logger): Promise<void> {
  try {
    await ensurePartitions(pools.writer, clock.now())
  } catch (error) {
    logger.warn('partitions_not_made', 'Partitions of the months ahead can not be made', { error: messageOf(error) })
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

async function ping(pools: Pools): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), pingTimeoutMs)
  })
  const answer = pools.reader.query('select 1').then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

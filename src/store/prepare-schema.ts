import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { createBackoff } from './backoff.ts'
import type { StoreConfig } from './config.ts'
import { isPooled } from './drivers/pooler.ts'
import type { Pools } from './drivers/server.ts'
import { isRefusal } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { runMigrations } from './run-migrations.ts'
import { codeOf, messageOf, StoreError } from './store-error.ts'

export interface Preparation {
  /** Rejects where waiting does not help (see `isRefusal`), and when it is stopped before. */
  readonly ready: Promise<void>
  isReady(): boolean
  /** Whether a pooler stands before the server; known once it is ready. */
  isPooled(): boolean
  /** Try now: the database was just seen. */
  hurry(): void
  stop(): void
}

interface PreparationOptions {
  readonly url: string
  readonly pools: Pools
  readonly config: Pick<StoreConfig, 'databasePooler' | 'partitions'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Months are long: looking four times a day leaves room for a database that is away for weeks. */
const checkMs = 6 * 3_600_000

/**
 * Migrates and makes partitions, trying again until it works, then looks after both a few times a day. A schema that a
 * newer program has migrated meanwhile ends all writing: the store is no longer ready.
 */
export function prepareSchema({ url, pools, config, clock, logger }: PreparationOptions): Preparation {
  const backoff = createBackoff(200, 10_000)
  let isReady = false
  let pooled = config.databasePooler === 'transaction'
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let working = false
  let told: string | undefined
  let settle: { resolve(): void; reject(error: Error): void } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Nobody has to wait for it: a store that is closed early must not end the process.
  ready.catch(() => undefined)

  const prepare = async (): Promise<void> => {
    pooled = await lookForPooler(pools, config)
    const ran = await runMigrations(url, {
      onStep: ({ name, number, total }) =>
        logger.info('database_migrating', 'A step of the schema runs', { name, step: number, steps: total }),
      signal: stopping.signal,
    })
    if (ran.length > 0)
      logger.info('database_migrated', 'The database has the newest schema', {
        count: ran.length,
        names: ran.join(','),
      })
    await makePartitions(pools, config, clock, logger)
  }

  const refuse = (error: StoreError): void => {
    isReady = false
    settle?.reject(error)
    if (told !== error.message) logger.error('database_refused', error.message, { code: error.code })
    told = error.message
  }

  const work = async (): Promise<void> => {
    if (working || stopping.signal.aborted) return
    working = true
    clearTimeout(timer)
    try {
      await prepare()
      backoff.reset()
      isReady = true
      told = undefined
      settle?.resolve()
    } catch (error) {
      if (isRefusal(error)) refuse(error)
      else if (!isReady && !stopping.signal.aborted) tellNotReady(logger, error)
    } finally {
      working = false
      if (!stopping.signal.aborted) {
        timer = setTimeout(() => void work(), isReady ? checkMs : backoff.next())
        if (isReady) timer.unref()
      }
    }
  }
  void work()
  return {
    ready,
    isReady: () => isReady,
    isPooled: () => pooled,
    // Also of use where it was ready: whoever was away may come back migrated by somebody else.
    hurry: () => void work(),
    stop() {
      stopping.abort()
      clearTimeout(timer)
      if (!isReady) settle?.reject(new StoreError('unavailable', 'The store was closed before its database was there.'))
    },
  }
}

async function lookForPooler(
  { writer }: Pools,
  { databasePooler }: Pick<StoreConfig, 'databasePooler'>,
): Promise<boolean> {
  const client = await writer.connect()
  try {
    return await isPooled(client, databasePooler)
  } finally {
    client.release()
  }
}

function tellNotReady(logger: Logger, error: unknown): void {
  const code = codeOf(error) ?? 'none'
  const hint = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)
    ? 'The certificate of the server is not trusted: name its authority by sslrootcert=/path/ca.pem in DATABASE_URL.'
    : undefined
  const fields = { error: messageOf(error), code, hint }
  logger.warn('database_not_ready', 'The database can not be prepared; trying again', fields)
}

/** Without them rows go to the default partition and move later, so their failure is a warning and no reason to wait. */
async function makePartitions(
  pools: Pools,
  { partitions }: Pick<StoreConfig, 'partitions'>,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  try {
    await ensurePartitions(pools.writer, clock.now(), { rawUnit: partitions })
  } catch (error) {
    logger.warn('partitions_not_made', 'Partitions of the time ahead can not be made', { error: messageOf(error) })
  }
}

/** What commands do to the database while no office of theirs runs: client keys, migration. */
import { prepareDataDir } from '../config/data-dir.ts'
import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'
import { systemClock } from '../core/clock.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import {
  connectionUrl,
  hasEmbeddedCluster,
  lockDataDir,
  type Migration,
  openServer,
  openStore,
  planMigration,
  readConnectionFile,
  runMigrations,
  type Store,
  StoreError,
  wholeSchema,
} from '../store/index.ts'
import { Cleanups } from './cleanups.ts'
import { tellingSlowQueries } from './command-logger.ts'
import { hashClientKey, newClientKey } from './keyring.ts'
import { pepperOf } from './secrets.ts'

/** The longest a command waits for a database that is away. */
const patienceMs = 20_000

/** The ledger, for a command that needs no gateway. */
export interface OpenLedger {
  readonly store: Store
  close(): Promise<void>
}

/**
 * The configured database; else that of the instance that runs on the data directory; else an embedded server for the
 * moment. Throws `StoreError` where none of them can be had.
 */
export async function openLedger(config: Config, logger: Logger): Promise<OpenLedger> {
  const cleanups = new Cleanups()
  const open = async (databaseUrl: string | undefined): Promise<Store> => {
    const store = await openStore({
      config: { ...config.store, databaseUrl },
      dataDir: config.dataDir,
      clock: systemClock,
      logger: tellingSlowQueries(logger, systemClock),
    })
    cleanups.add('store', () => store.close())
    return store
  }
  try {
    const store = await open(config.store.databaseUrl?.reveal() ?? (await runningDatabase(config, cleanups)))
    await ready(store)
    return { store, close: async () => void (await cleanups.run()) }
  } catch (error) {
    await cleanups.run()
    throw error
  }
}

/** Takes the data directory, so that the embedded server may be started here; or finds the one of who holds it. */
async function runningDatabase(config: Config, cleanups: Cleanups): Promise<string | undefined> {
  prepareDataDir(config.dataDir)
  try {
    const lock = await lockDataDir(config.dataDir, { clock: systemClock })
    cleanups.add('lock', () => lock.release())
    return undefined
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'data_dir_locked') throw error
    const connection = await readConnectionFile(config.dataDir)
    if (connection === null) throw error
    return connectionUrl(connection)
  }
}

async function ready(store: Store): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new StoreError('unavailable', 'The database does not answer. Is it running, and is DATABASE_URL right?'),
        ),
      patienceMs,
    )
  })
  try {
    await Promise.race([store.ready, late])
  } finally {
    clearTimeout(timer)
  }
}

/** How long work is followed and ended. */
interface MigrationWork {
  readonly onProgress?: (done: number, total?: number) => void
  readonly signal?: AbortSignal
}

/** Brings the database to this version; the names of the steps it took. All of them or, where the signal ends it, none. */
export async function migrateDatabase(config: Config, work: MigrationWork = {}): Promise<readonly string[]> {
  return onServer(config, (url) =>
    runMigrations(url, {
      onStep: ({ number, total }) => work.onProgress?.(number - 1, total),
      ...(work.signal !== undefined && { signal: work.signal }),
    }),
  )
}

/** The steps that `migrateDatabase` would take, with their SQL. Changes nothing: where no database is, none is made. */
export async function planDatabaseMigration(config: Config): Promise<readonly Migration[]> {
  if (config.store.databaseUrl === undefined && !(await hasEmbeddedCluster(config.dataDir))) return wholeSchema
  return onServer(config, planMigration)
}

/** The server of the database as it is: neither migrated nor otherwise touched. */
async function onServer<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const cleanups = new Cleanups()
  try {
    const databaseUrl = config.store.databaseUrl?.reveal() ?? (await runningDatabase(config, cleanups))
    const server = await openServer({
      config: { ...config.store, databaseUrl },
      dataDir: config.dataDir,
      clock: systemClock,
      logger: silentLogger,
    })
    cleanups.add('server', () => server.close())
    return await work(server.url)
  } finally {
    await cleanups.run()
  }
}

/** Client keys, as `signalbox keys` handles them. */
export interface ClientKeyAdmin {
  /** The key itself is in this answer and nowhere else. */
  create(key: Pick<ClientKey, 'domain' | 'name' | 'expiresAt'>): Promise<{ readonly id: string; readonly key: string }>
  list(): Promise<readonly ClientKey[]>
  /** The key as it is now; null where there is none of that id. */
  revoke(id: string): Promise<ClientKey | null>
  close(): Promise<void>
}

/** The client keys in the database; a running instance hears of changes by itself. */
export async function openClientKeys(config: Config): Promise<ClientKeyAdmin> {
  const ledger = await openLedger(config, silentLogger)
  const { keys } = ledger.store
  return {
    async create({ domain, name, expiresAt }) {
      const { id, key } = newClientKey()
      await keys.create({ id, hash: hashClientKey(pepperOf(config), key), domain, name, expiresAt })
      return { id, key }
    },
    list: () => keys.all(),
    async revoke(id) {
      await keys.revoke(id)
      return (await keys.all()).find((key) => key.id === id) ?? null
    },
    close: () => ledger.close(),
  }
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Writable } from 'node:stream'
import {
  type ApiRoute,
  apiRoutes,
  bodyLimitBytes,
  createLiveHub,
  errorReply,
  type ProvidersSource,
  pageHeaders,
  refusalReply,
  startLedgerSource,
} from '../api/index.ts'
import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'
import type { Clock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import { mayBind } from '../core/may-bind.ts'
import type { OfficeLink } from '../core/office.ts'
import type { PlaceState } from '../core/provider-health.ts'
import { Secret } from '../core/secret.ts'
import type { JournalState, SettingsState } from '../core/signals.ts'
import { serveApi } from '../http/api-server.ts'
import { createRecorder, type Recorder } from '../recorder/index.ts'
import { createPriceBook } from '../recorder/price-book.ts'
import { exchangesChannel, openStore, type Store } from '../store/index.ts'
import { lockDataDir } from '../store/lock-data-dir.ts'
import {
  createTelemetry,
  type MetricsJson,
  metricsContentType,
  type StreamsState,
  type TargetUp,
  type Telemetry,
} from '../telemetry/index.ts'
import { Cleanups } from './cleanups.ts'
import { journalRootOf } from './data-plane.ts'
import { watchDatabaseSize } from './database-size.ts'
import { readKeySnapshot, writeKeySnapshot } from './key-snapshot.ts'
import { MemoryKeyring } from './keyring.ts'
import { createProviderHealth } from './provider-health.ts'
import { noRetentionYet, type RetentionSchedule, startRetention } from './retention.ts'
import { noBackupYet, type ScheduledBackups, startScheduledBackups } from './scheduled-backups.ts'
import { dashboardKeyFile, keptSecret, pepperOf } from './secrets.ts'
import { createSelfFacts } from './self-facts.ts'
import { offeredProviders } from './targets.ts'
import { packageVersion, webRoot } from './version.ts'

export interface OfficeOptions {
  readonly config: Config
  readonly clock: Clock
  readonly stdout: Writable
  readonly isTty: boolean
  /** Whether the dashboard is served here. */
  readonly withDashboard: boolean
  /** Where live events come from: the journals of this machine, or the ledger where the gateways are elsewhere. */
  readonly liveFrom: 'journal' | 'ledger'
  /** Shown by the setup page: the address callers use; asked when it is needed, since ports may be picked late. */
  proxyUrl(): string
  readonly demo: boolean
  /** Journals of living workers; all others belong to the dead and are closed by the recorder. */
  isAlive(journalName: string): boolean
  /** States of a gateway that runs in this very process. */
  readonly inProcess?: { journal(): JournalState; streams(): StreamsState; targets(): readonly TargetUp[] }
  /** Whether the settings in effect are those of the file; left out where no file is watched. */
  readonly settings?: (() => SettingsState) | undefined
  /** Metrics of gateway workers in other processes. */
  workersMetrics(): Promise<readonly MetricsJson[]>
  onKeys(keys: readonly ClientKey[]): void
  /** Of the simulated provider on this machine. */
  readonly simulatedUrl: string | null
  /** The targets of all gateways, as far as they can be asked. */
  places(): Promise<readonly PlaceState[]>
}

export interface Office {
  readonly link: OfficeLink
  readonly telemetry: Telemetry
  readonly store: Store
  readonly recorder: Recorder
  readonly keyring: MemoryKeyring
  readonly pepper: string
  readonly instanceId: string
  readonly dashboard: {
    readonly url: string
    readonly port: number
    readonly key: string
    readonly keyFile: string | null
  } | null
  /** Providers of settings that were changed while it runs. */
  replaceSettings(config: Config): void
  /** The recorder first catches up for at most `drainMs`; then everything is closed, last in, first out. */
  stop(drainMs: number): Promise<void>
}

/** Everything that reads the journal: recorder, ledger, metrics, log lines, dashboard. */
export async function startOffice(options: OfficeOptions): Promise<Office> {
  const { config, clock } = options
  const cleanups = new Cleanups()
  try {
    const lock = await lockDataDir(config.dataDir, { clock })
    cleanups.add('lock', () => lock.release())
    return await open(options, cleanups)
  } catch (error) {
    await cleanups.run()
    throw error
  }
}

async function open(options: OfficeOptions, cleanups: Cleanups): Promise<Office> {
  const { config, clock } = options
  const pepper = pepperOf(config)
  // The simulated provider is offered where it is the default; whether its address is known by now makes no difference.
  const offered = [...new Set([config.providers.default, ...offeredProviders(config, null).map(({ name }) => name)])]
  const parts: {
    store?: Store
    recorder?: Recorder
    sse?: () => number
    databaseBytes?: () => number | null
    backups?: ScheduledBackups
    retention?: RetentionSchedule
  } = {}
  const health = createProviderHealth({ config, clock, simulatedUrl: options.simulatedUrl, places: options.places })
  cleanups.add('provider health', () => health.stop())
  const telemetry = createTelemetry({
    config: config.telemetry,
    clock,
    stdout: options.stdout,
    isTty: options.isTty,
    version: packageVersion(),
    isKnownModel: (model) => offered.some((name) => priceBook.knows(name, model)),
    providers: offered,
    slowQueryThresholdMs: config.store.slowQueryThresholdMs,
    sources: {
      recorder: () => parts.recorder?.state() ?? idleRecorder,
      database: () => ({ ...(parts.store?.state() ?? databaseAway), sizeBytes: parts.databaseBytes?.() ?? null }),
      sseConnections: () => parts.sse?.() ?? 0,
      journal: options.inProcess?.journal,
      streams: options.inProcess?.streams,
      targets: options.inProcess?.targets,
      providerChecks: () => health.checks(),
      retention: () => parts.retention?.state() ?? noRetentionYet,
      settings: options.settings,
      backup: config.backup.dir === undefined ? undefined : () => parts.backups?.state() ?? noBackupYet,
    },
  })
  cleanups.add('telemetry', () => telemetry.close(2_000))
  const { logger } = telemetry
  const priceBook = createPriceBook({ overrides: config.recorder.prices, clock, logger })

  const store = await openStore({
    config: { ...config.store, databaseUrl: config.store.databaseUrl?.reveal() },
    dataDir: config.dataDir,
    clock,
    logger,
    onQuery: (query) => telemetry.queryFinished(query),
    onWait: (ms) => telemetry.connectionWaited(ms),
  })
  parts.store = store
  cleanups.add('store', () => store.close())
  const databaseSize = watchDatabaseSize(store)
  parts.databaseBytes = databaseSize.bytes
  cleanups.add('database size', () => databaseSize.stop())

  const keyring = new MemoryKeyring(pepper)
  const showKeys = (keys: readonly ClientKey[]): void => {
    keyring.replace(keys)
    options.onKeys(keys)
  }
  showKeys(readKeySnapshot(config.dataDir))
  let known = ''
  const refreshKeys = async (): Promise<void> => {
    const keys = await store.keys.all()
    // Looked up every few seconds: a file and a message to each worker only where something changed.
    if (known === JSON.stringify(keys)) return
    showKeys(keys)
    writeKeySnapshot(config.dataDir, keys)
    known = JSON.stringify(keys)
  }
  // Heard at once where the database can tell, looked up now and then where it could not.
  const poll = setInterval(() => void refreshKeys().catch(() => undefined), 15_000)
  cleanups.add('key refresh', () => clearInterval(poll))
  cleanups.add(
    'key channel',
    store.listen('signalbox_keys', () => void refreshKeys().catch(() => undefined)),
  )
  await Promise.race([
    store.ready.then(
      () => refreshKeys().catch(() => undefined),
      // What waiting does not cure ends the start; a database that is only away does not.
      (error: unknown) => Promise.reject(error),
    ),
    new Promise((resolve) => setTimeout(resolve, 15_000).unref()),
  ])
  const bind = mayBind(config.http.host, !keyring.isEmpty)
  if (!bind.allowed) throw new Error(bind.reason)

  const hub = createLiveHub({ clock, version: packageVersion(), clientsLimit: config.api.liveClientsLimit })
  parts.sse = () => hub.connections()
  cleanups.add('live', () => hub.close())
  if (options.liveFrom === 'ledger') {
    const listen = (heard: () => void): (() => void) => store.listen(exchangesChannel, heard)
    cleanups.add(
      'live from the ledger',
      startLedgerSource({ listen, queries: store.queries, observer: hub, clock, logger }),
    )
  }
  const recorder = createRecorder({
    journalRoot: journalRootOf(config),
    isAlive: options.isAlive,
    writeExchanges: store.writeExchanges,
    priceBook,
    observers: [telemetry.observer, hub, health.observer],
    onFlushed: (flush) => telemetry.ledgerFlushed(flush),
    clock,
    logger,
    config: config.recorder,
  })
  parts.recorder = recorder

  const link: OfficeLink = {
    metricsText: async (form) => telemetry.metricsText(form, await options.workersMetrics()),
    tokenStats: () => store.queries.tokenStats(),
  }
  const office = {
    link,
    telemetry,
    store,
    recorder,
    keyring,
    pepper,
    instanceId: `sb-${randomBytes(8).toString('hex')}`,
    replaceSettings: (changed: Config) => health.replace(changed),
  }
  const dashboard = options.withDashboard ? await openDashboard(options, office, hub, health.source, cleanups) : null
  const retention = startRetention({ store, clock, logger })
  parts.retention = retention
  cleanups.add('retention', () => retention.stop())
  if (config.backup.dir !== undefined) {
    const backups = startScheduledBackups({ config, dir: config.backup.dir, store, clock, logger })
    parts.backups = backups
    cleanups.add('backups', () => backups.stop())
  }
  await recorder.start()
  cleanups.add('recorder', () => recorder.stop({ drainMs: stopDrain.ms }))
  const stopDrain = { ms: 10_000 }
  return {
    ...office,
    dashboard,
    async stop(drainMs) {
      stopDrain.ms = drainMs
      for (const { name, error } of await cleanups.run()) {
        options.stdout.write(
          `${JSON.stringify({ level: 'error', severity: 'ERROR', event: 'stop_failed', message: `closing ${name} failed`, detail: String(error) })}\n`,
        )
      }
    },
  }
}

async function openDashboard(
  options: OfficeOptions,
  office: Pick<Office, 'telemetry' | 'store' | 'link' | 'keyring' | 'recorder'>,
  hub: ReturnType<typeof createLiveHub>,
  providers: ProvidersSource,
  cleanups: Cleanups,
): Promise<Office['dashboard']> {
  const { config, clock } = options
  const kept = config.api.dashboardApiKey === undefined ? keptSecret(config.dataDir, dashboardKeyFile) : null
  const key = config.api.dashboardApiKey?.reveal() ?? kept?.value ?? ''
  const { telemetry, store } = office
  const self = createSelfFacts({
    clock,
    dataDir: config.dataDir,
    recorder: () => office.recorder.state(),
    database: () => store.state(),
    dashboardClients: () => hub.connections(),
  })
  cleanups.add('self facts', () => self.close())
  const routes: readonly ApiRoute[] = [
    ...apiRoutes({
      queries: store.queries,
      live: hub,
      clock,
      dashboardKey: new Secret(key),
      sessionHours: config.api.sessionHours,
      logger: telemetry.logger,
      setup: () => ({
        // A dashboard alone has no proxy beside it.
        proxyUrl: options.proxyUrl() || null,
        version: packageVersion(),
        demo: options.demo,
        clientKeyRequired: !office.keyring.isEmpty,
      }),
      ping: () => store.ping(),
      ledgerLagSeconds: () => (options.liveFrom === 'ledger' ? null : office.recorder.state().lagSeconds),
      database: { report: store.report, self: () => self.read() },
      exportRows: store.exportRows,
      providers,
    }),
    metricsRoute(key, () => office.link.metricsText({ redacted: false })),
  ]
  const server = await serveApi({
    host: config.http.host,
    port: config.http.dashboardPort,
    portSetting: 'DASHBOARD_PORT',
    bodyLimitBytes,
    routes,
    webRoot,
    pageHeaders,
    newRequestId: () => uuidv7(clock.now()),
    refuse: (status, requestId) => refusalReply(status, requestId, bodyLimitBytes),
    onFinished: ({ method, path, status, seconds }) =>
      telemetry.metrics.httpRequestFinished({
        route: path.startsWith('/api')
          ? '/api'
          : path === '/health'
            ? '/health'
            : path === '/metrics'
              ? '/metrics'
              : '/static',
        method,
        status,
        seconds,
      }),
  })
  cleanups.add('dashboard', () => server.close())
  // Before the server cuts their connections.
  cleanups.add('live clients', () => hub.close())
  return { url: server.url, port: server.port, key, keyFile: kept?.file ?? null }
}

/** The dashboard's own `/metrics`: the same exposition, behind the dashboard key. */
function metricsRoute(key: string, text: () => Promise<string>): ApiRoute {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return {
    method: 'GET',
    path: '/metrics',
    auth: 'key',
    async handle(request) {
      const presented = request.headers['x-dashboard-key']
      if (typeof presented !== 'string')
        return errorReply('unauthenticated', 'Send the dashboard key in X-Dashboard-Key.', request.id)
      if (!timingSafeEqual(digest(presented), digest(key)))
        return errorReply('forbidden', 'This is not the dashboard key.', request.id)
      return {
        kind: 'json',
        status: 200,
        headers: { 'content-type': metricsContentType, 'cache-control': 'no-store' },
        body: await text(),
      }
    },
  }
}

const databaseAway = { up: false, pool: { used: 0, idle: 0, waiting: 0, max: 0 } }
const idleRecorder = {
  queueRows: 0,
  queueBytes: 0,
  lagSeconds: 0,
  journalBytes: 0,
  writtenTotal: 0,
  writeErrorsTotal: 0,
  droppedTotal: {},
  openExchanges: 0,
}

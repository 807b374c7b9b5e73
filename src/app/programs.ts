import path from 'node:path'
import process from 'node:process'
import { prepareDataDir } from '../config/data-dir.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { createTrafficClient } from '../http/traffic-client.ts'
import { createTraffic } from '../simulator/traffic.ts'
import type { Store } from '../store/index.ts'
import { type RunningSignalbox, startCluster } from './cluster.ts'
import { type ExplainedRoute, explainCall, type ImaginedCall } from './explain-route.ts'
import type { SettingsSource } from './watch-settings.ts'

/** `signalbox start`, `proxy`, `dashboard` and `demo`. */
export async function serve(options: {
  readonly config: Config
  readonly part: 'all' | 'proxy' | 'dashboard'
  readonly traffic: boolean
  readonly settings?: SettingsSource | undefined
}) {
  const { config, part, traffic } = options
  prepareDataDir(config.dataDir)
  const running = await startCluster({
    config,
    stdout: process.stdout,
    isTty: process.stdout.isTTY === true,
    demo: traffic,
    withDashboard: part !== 'proxy',
    withProxy: part !== 'dashboard',
    settings: options.settings,
  })
  const stopTraffic = traffic ? startTraffic(config, running) : async () => undefined
  const { dashboard } = running.office
  return {
    proxyUrl: part === 'dashboard' ? null : running.proxyUrl,
    dashboardUrl: dashboard?.url ?? null,
    dashboardKey:
      dashboard === null || dashboard.keyFile === null ? null : { value: dashboard.key, file: dashboard.keyFile },
    psql: config.store.databaseUrl === undefined ? psqlCommand(config) : null,
    databaseUp: await isPrepared(running.office.store),
    // Workers are started again and the database is waited for: nothing that runs ends the whole by itself.
    failed: new Promise<Error>(() => undefined),
    async stop() {
      await stopTraffic()
      await running.stop(config.http.shutdownGraceMs)
    },
  }
}

/** Whether the database was reached and has its schema by now. */
const isPrepared = ({ ready }: Store): Promise<boolean> =>
  Promise.race([
    ready.then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ])

/** Reads the address where it is kept, so that no log learns the password. */
const psqlCommand = (config: Config): string =>
  `psql "$(node -p 'require("${path.join(config.dataDir, 'connection.json')}").url')"`

function startTraffic(config: Config, { proxyUrl, demoKeys }: RunningSignalbox): () => Promise<void> {
  const client = createTrafficClient()
  const traffic = createTraffic({
    target: new URL(proxyUrl),
    headersOf: demoKeys.headersOf,
    config: config.simulator.traffic,
    seed: config.simulator.seed,
    clock: systemClock,
    send: client.send,
  })
  traffic.start()
  return async () => {
    await traffic.stop()
    await client.close()
  }
}

export {
  migrateDatabase as migrate,
  openClientKeys as openKeys,
  planDatabaseMigration as planMigration,
} from './maintenance.ts'

export const explainRoute = async (config: Config, call: ImaginedCall): Promise<ExplainedRoute> =>
  explainCall(config, call, systemClock.now())

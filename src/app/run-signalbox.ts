import { prepareDataDir } from '../config/data-dir.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { startCluster } from './cluster.ts'
import { startDemoTraffic } from './demo-traffic.ts'
import { type Office, startOffice } from './office.ts'

export interface RunOptions {
  readonly config: Config
  /** `all` is everything on this machine, the others are one half of it each. */
  readonly part: 'all' | 'proxy' | 'dashboard'
  /** Generated traffic for the simulated provider. */
  readonly traffic: boolean
}

export interface RunningInstance {
  readonly proxyUrl: string | null
  readonly dashboardUrl: string | null
  /** null where there is none, or where the operator chose it. */
  readonly dashboardKey: { readonly value: string; readonly file: string } | null
  /** Where the address of the embedded database is kept; null where the operator brought a database. */
  readonly connectionFile: string | null
  stop(): Promise<void>
}

/** Starts what a serving command asks for, in processes of its own. */
export async function runSignalbox({ config, part, traffic }: RunOptions): Promise<RunningInstance> {
  prepareDataDir(config.dataDir)
  const output = { stdout: process.stdout, isTty: process.stdout.isTTY === true }
  if (part === 'dashboard') return dashboardAlone(config, output)
  const running = await startCluster({ config, ...output, demo: traffic, withDashboard: part === 'all' })
  const graceMs = config.http.shutdownGraceMs
  const demo = traffic ? startDemoTraffic(running.proxyUrl, config, systemClock) : null
  return {
    ...facts(config, running.office),
    proxyUrl: running.proxyUrl,
    async stop() {
      await demo?.stop()
      await running.stop(graceMs)
    },
  }
}

/** The dashboard reads what proxies elsewhere write; a database of its own would stay empty. */
async function dashboardAlone(
  config: Config,
  output: { stdout: NodeJS.WriteStream; isTty: boolean },
): Promise<RunningInstance> {
  if (config.store.databaseUrl === undefined) {
    throw new Error(
      'signalbox dashboard shows the calls of proxies that run elsewhere: set DATABASE_URL to their database. For everything on this machine there is signalbox start.',
    )
  }
  const office = await startOffice({
    config,
    clock: systemClock,
    ...output,
    withDashboard: true,
    demo: false,
    proxyUrl: () => '',
    isAlive: () => false,
    workersMetrics: async () => [],
    onKeys: () => undefined,
  })
  return { ...facts(config, office), proxyUrl: null, stop: () => office.stop(10_000) }
}

function facts(
  config: Config,
  { dashboard }: Office,
): Pick<RunningInstance, 'dashboardUrl' | 'dashboardKey' | 'connectionFile'> {
  const keyFile = dashboard?.keyFile ?? null
  return {
    dashboardUrl: dashboard?.url ?? null,
    dashboardKey: dashboard === null || keyFile === null ? null : { value: dashboard.key, file: keyFile },
    connectionFile: config.store.databaseUrl === undefined ? `${config.dataDir}/connection.json` : null,
  }
}

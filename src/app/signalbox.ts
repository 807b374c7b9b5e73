import type { Writable } from 'node:stream'
import type { Config } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import { type DataPlane, journalRootOf, startDataPlane } from './data-plane.ts'
import { type Office, startOffice } from './office.ts'
import { startSimulatedProvider } from './simulated-provider.ts'
import { targetsUp } from './targets-up.ts'
import { type SettingsSource, type SettingsWatch, watchSettings } from './watch-settings.ts'

export interface Signalbox {
  readonly proxyUrl: string
  readonly dashboardUrl: string
  readonly dashboardKey: string
  readonly office: Office
  readonly dataPlane: DataPlane
  stop(options?: { readonly graceMs?: number }): Promise<void>
}

/** The whole program in one process, for tests and for those who embed it: the same parts, tied by function calls. */
export async function createSignalbox(options: {
  readonly config: Config
  readonly stdout: Writable
  readonly clock?: Clock
  /** Where the settings come from; watched for changes. */
  readonly settings?: SettingsSource
}): Promise<Signalbox> {
  const { config, stdout, clock = systemClock } = options
  const journalName = uuidv7(clock.now())
  const startedAt = clock.now()
  const parts: { dataPlane?: DataPlane; watch?: SettingsWatch } = {}
  const simulated = await startSimulatedProvider(config, clock)
  const office = await startOffice({
    config,
    clock,
    stdout,
    isTty: false,
    withDashboard: true,
    liveFrom: 'journal',
    demo: false,
    proxyUrl: () => parts.dataPlane?.url ?? '',
    isAlive: (name) => name === journalName && parts.dataPlane !== undefined,
    inProcess: {
      journal: () =>
        parts.dataPlane?.journalState() ?? { healthy: true, backlogBytes: 0, writtenBytes: 0, errorsTotal: 0 },
      streams: () => ({
        open: parts.dataPlane?.inFlight.openStreams ?? 0,
        oldestIdleSeconds: parts.dataPlane?.inFlight.oldestIdleSeconds(clock.monotonic()) ?? 0,
      }),
      targets: () => targetsUp(config, parts.dataPlane?.places() ?? []),
    },
    simulatedUrl: simulated?.url ?? null,
    places: async () => parts.dataPlane?.places() ?? [],
    settings: () => parts.watch?.state() ?? { current: true, readAt: startedAt },
    workersMetrics: async () => [],
    onKeys: () => undefined,
  }).catch(async (error: unknown) => {
    await simulated?.close()
    throw error
  })
  const dataPlane = await startDataPlane({
    config,
    clock,
    logger: office.telemetry.logger,
    office: office.link,
    keys: office.keyring,
    journalRoot: journalRootOf(config),
    journalName,
    instanceId: office.instanceId,
    pepper: office.pepper,
    simulatedUrl: simulated?.url ?? null,
    onOwnRequest: office.telemetry.metrics.httpRequestFinished,
  }).catch(async (error: unknown) => {
    await office.stop(0)
    await simulated?.close()
    throw error
  })
  parts.dataPlane = dataPlane
  if (options.settings !== undefined)
    parts.watch = watchSettings({
      source: options.settings,
      config,
      clock,
      logger: office.telemetry.logger,
      hasSimulated: simulated !== null,
      apply(changed) {
        office.replaceSettings(changed)
        dataPlane.replaceSettings(changed)
      },
    })
  return {
    proxyUrl: dataPlane.url,
    dashboardUrl: office.dashboard?.url ?? '',
    dashboardKey: office.dashboard?.key ?? '',
    office,
    dataPlane,
    async stop({ graceMs = config.http.shutdownGraceMs } = {}) {
      parts.watch?.stop()
      await dataPlane.stop(graceMs)
      await office.stop(10_000)
      await simulated?.close()
    },
  }
}

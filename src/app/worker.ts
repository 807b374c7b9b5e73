import cluster from 'node:cluster'
import process from 'node:process'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import type { OfficeLink, TokenStats } from '../core/office.ts'
import { createWorkerTelemetry } from '../telemetry/index.ts'
import { Asker } from './asker.ts'
import { decodeConfig } from './config-codec.ts'
import { type DataPlane, journalRootOf, startDataPlane } from './data-plane.ts'
import { MemoryKeyring } from './keyring.ts'
import type {
  OfficeAnswer,
  OfficeQuestion,
  ToOffice,
  ToWorker,
  WorkerAnswer,
  WorkerQuestion,
  WorkerStart,
} from './messages.ts'
import { targetsUp } from './targets-up.ts'
import { packageVersion } from './version.ts'

/** How long a scrape may wait for the office. */
const officeTimeoutMs = 3_000
/** What open streams get when the office is gone; a new one is started by then and takes the port. */
const officeGoneGraceMs = 30_000

/**
 * A gateway worker: waits to be started by the office, serves, and ends when told, or when the office is gone. Resolves
 * when it has stopped.
 */
export function runGatewayWorker(): Promise<void> {
  return new Promise((resolve) => {
    const tell = (message: ToOffice): void => void (process.connected && process.send?.(message))
    const asker = new Asker<OfficeQuestion, OfficeAnswer>(
      (id, question) => tell({ kind: 'ask', id, question }),
      officeTimeoutMs,
    )
    let worker: RunningWorker | null = null
    /** The newest that came while the worker was starting. */
    let settings: Config | null = null
    const stop = async (graceMs: number): Promise<void> => {
      await worker?.stop(graceMs)
      resolve()
    }
    process.on('message', (message: ToWorker) => {
      switch (message.kind) {
        case 'start':
          startWorker(message.start, asker).then(
            (started) => {
              worker = started
              if (settings !== null) started.plane.replaceSettings(settings)
              tell({ kind: 'listening', url: started.plane.url, port: started.plane.port })
            },
            (error: unknown) =>
              tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
          )
          return
        case 'keys':
          return worker?.keyring.replace(message.keys)
        case 'settings':
          settings = decodeConfig(message.config)
          return worker?.plane.replaceSettings(settings)
        case 'reopen':
          return worker?.telemetry.reopen()
        case 'answer':
          return asker.answered(message.id, message.answer as OfficeAnswer | undefined) // our own office's answer to our own question
        case 'ask':
          if (worker === null) return
          answerTo(worker, message.question).then(
            (answer) => tell({ kind: 'answer', id: message.id, answer }),
            () => tell({ kind: 'answer', id: message.id, failed: true }),
          )
          return
        case 'stop':
          return void stop(message.graceMs)
      }
    })
    // Without this node:cluster ends a worker at once when its primary is gone, open streams and all.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
    // The office died: what is in flight is finished and journalled; its successor records it.
    process.on('disconnect', () => {
      asker.fail()
      void stop(officeGoneGraceMs)
    })
    // A terminal sends its signals to every process of the group; the office alone decides.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)
    tell({ kind: 'ready' })
  })
}

const answerTo = async ({ plane, telemetry }: RunningWorker, question: WorkerQuestion): Promise<WorkerAnswer> =>
  question === 'places' ? plane.places() : telemetry.metricsJson()

interface RunningWorker {
  readonly plane: DataPlane
  readonly keyring: MemoryKeyring
  readonly telemetry: ReturnType<typeof createWorkerTelemetry>
  stop(graceMs: number): Promise<void>
}

async function startWorker(start: WorkerStart, asker: Asker<OfficeQuestion, OfficeAnswer>): Promise<RunningWorker> {
  const config = decodeConfig(start.config)
  const parts: { plane?: DataPlane } = {}
  const telemetry = createWorkerTelemetry({
    config: config.telemetry,
    clock: systemClock,
    stdout: process.stdout,
    isTty: process.stdout.isTTY === true,
    version: packageVersion(),
    sources: {
      journal: () => parts.plane?.journalState() ?? { healthy: true, backlogBytes: 0, writtenBytes: 0, errorsTotal: 0 },
      streams: () => ({
        open: parts.plane?.inFlight.openStreams ?? 0,
        oldestIdleSeconds: parts.plane?.inFlight.oldestIdleSeconds(systemClock.monotonic()) ?? 0,
      }),
      targets: () => targetsUp(config, parts.plane?.places() ?? []),
    },
  })
  const keyring = new MemoryKeyring(start.pepper, start.demoKeys)
  keyring.replace(start.keys)
  const office: OfficeLink = {
    metricsText: async ({ redacted }) => (await asker.ask({ about: 'metrics', redacted })) as string, // by the question
    tokenStats: async () => (await asker.ask({ about: 'token-stats' })) as TokenStats, // by the question
  }
  const plane = await startDataPlane({
    config,
    clock: systemClock,
    logger: telemetry.logger,
    office,
    keys: keyring,
    journalRoot: journalRootOf(config),
    journalName: start.journalName,
    instanceId: start.instanceId,
    pepper: start.pepper,
    simulatedUrl: start.simulatedUrl,
    onOwnRequest: telemetry.metrics.httpRequestFinished,
  })
  parts.plane = plane
  return {
    plane,
    keyring,
    telemetry,
    async stop(graceMs) {
      await plane.stop(graceMs)
      await telemetry.close(1_000)
    },
  }
}

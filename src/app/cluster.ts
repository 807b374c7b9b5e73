import cluster, { type Worker } from 'node:cluster'
import process from 'node:process'
import type { Writable } from 'node:stream'
import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'
import { systemClock } from '../core/clock.ts'
import type { PlaceState } from '../core/provider-health.ts'
import { installReopenSignals, type MetricsJson, WorkerTotals } from '../telemetry/index.ts'
import { Asker } from './asker.ts'
import { encodeConfig } from './config-codec.ts'
import { journalRootOf } from './data-plane.ts'
import { createDemoKeys, type DemoKeys } from './demo-keys.ts'
import type { OfficeQuestion, ToOffice, ToWorker, WorkerAnswer, WorkerQuestion } from './messages.ts'
import { type Office, startOffice } from './office.ts'
import { startSimulatedProvider } from './simulated-provider.ts'
import { findSurvivingWorkers, journalNameOf } from './surviving-workers.ts'
import { type SettingsSource, type SettingsWatch, watchSettings } from './watch-settings.ts'

export interface RunningSignalbox {
  readonly proxyUrl: string
  readonly office: Office
  readonly simulated: boolean
  /** What generated traffic is to send along. */
  readonly demoKeys: DemoKeys
  /** Drains the workers, then the recorder, then closes everything. */
  stop(graceMs: number): Promise<void>
}

interface Member {
  readonly worker: Worker
  /** Null until the process is there and its journal can be named after it. */
  journalName: string | null
  readonly asker: Asker<WorkerQuestion, WorkerAnswer>
}

const workerMetricsTimeoutMs = 1_000
/** A worker that dies as soon as it starts is started again ever more slowly. */
const restartMinMs = 200
const restartMaxMs = 10_000

/** The office in this process and the gateway in workers of their own: nobody who looks at a dashboard slows a call. */
export async function startCluster(options: {
  config: Config
  stdout: Writable
  isTty: boolean
  demo: boolean
  withDashboard: boolean
  withProxy: boolean
  /** Where the settings come from; watched for changes. */
  settings?: SettingsSource | undefined
}): Promise<RunningSignalbox> {
  const { config, stdout, isTty, demo, withDashboard, withProxy } = options
  const startedAt = systemClock.now()
  const parts: { watch?: SettingsWatch } = {}
  const members = new Map<number, Member>()
  const totals = new WorkerTotals()
  const state = { stopping: false, proxyUrl: '', keys: [] as readonly ClientKey[], restartMs: restartMinMs, config }
  const tell = (member: Member, message: ToWorker): void =>
    void (member.worker.isConnected() && member.worker.send(message))
  const simulated = await startSimulatedProvider(config, systemClock)
  const survivors = await findSurvivingWorkers(journalRootOf(config))
  const office = await startOffice({
    config,
    clock: systemClock,
    stdout,
    isTty,
    withDashboard,
    liveFrom: withProxy ? 'journal' : 'ledger',
    demo,
    proxyUrl: () => state.proxyUrl,
    isAlive: (name) =>
      survivors.stillWrite(name) || [...members.values()].some((member) => member.journalName === name),
    settings: () => parts.watch?.state() ?? { current: true, readAt: startedAt },
    workersMetrics: async () => {
      const answered = new Set<number>()
      const hear = async ([id, member]: [number, Member]): Promise<void> => {
        totals.heard(id, (await member.asker.ask('metrics')) as MetricsJson) // by the question
        answered.add(id)
      }
      await Promise.allSettled([...members].map(hear))
      return totals.all(answered)
    },
    simulatedUrl: simulated?.url ?? null,
    places: async () => {
      const answers = await Promise.allSettled([...members.values()].map(({ asker }) => asker.ask('places')))
      // By the question each answer is a list of places.
      return answers.flatMap((one) => (one.status === 'fulfilled' ? (one.value as readonly PlaceState[]) : []))
    },
    onKeys: (keys) => {
      state.keys = keys
      for (const member of members.values()) tell(member, { kind: 'keys', keys })
    },
  }).catch(async (error: unknown) => {
    survivors.close()
    await simulated?.close()
    throw error
  })

  if (options.settings !== undefined)
    parts.watch = watchSettings({
      source: options.settings,
      config,
      clock: systemClock,
      logger: office.telemetry.logger,
      hasSimulated: simulated !== null,
      apply(changed) {
        state.config = changed
        office.replaceSettings(changed)
        for (const member of members.values()) tell(member, { kind: 'settings', config: encodeConfig(changed) })
      },
    })
  const demoKeys = createDemoKeys(demo ? config.simulator.traffic.domains : [], office.pepper)

  // One worker takes connections itself; several are handed theirs in turn, which spreads long-lived ones evenly.
  cluster.schedulingPolicy = config.http.workers === 1 ? cluster.SCHED_NONE : cluster.SCHED_RR
  const launch = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const worker = cluster.fork()
      const asker = new Asker<WorkerQuestion, WorkerAnswer>(
        (id, question) => tell(member, { kind: 'ask', id, question }),
        workerMetricsTimeoutMs,
      )
      const member: Member = { worker, journalName: null, asker }
      members.set(worker.id, member)
      const begin = async (): Promise<void> => {
        member.journalName = await journalNameOf(worker.process.pid ?? 0, systemClock)
        tell(member, {
          kind: 'start',
          start: {
            config: encodeConfig(state.config),
            journalName: member.journalName,
            instanceId: office.instanceId,
            pepper: office.pepper,
            simulatedUrl: simulated?.url ?? null,
            keys: state.keys,
            demoKeys: demoKeys.keys,
          },
        })
      }
      worker.on('message', (message: ToOffice) => {
        switch (message.kind) {
          case 'ready':
            return void begin().catch(reject)
          case 'listening':
            state.restartMs = restartMinMs
            return resolve(message.url)
          case 'failed':
            reject(new Error(message.message))
            if (state.proxyUrl === '') return
            office.telemetry.logger.error('worker_failed', 'A gateway worker could not start', {
              reason: message.message,
            })
            // It would stay and serve nobody; once it is gone it is started again, until it can.
            return void worker.process.kill('SIGKILL')
          case 'ask':
            return void answer(office, message.question).then(
              (found) => tell(member, { kind: 'answer', id: message.id, answer: found }),
              () => tell(member, { kind: 'answer', id: message.id, failed: true }),
            )
          case 'answer':
            return asker.answered(message.id, message.answer as WorkerAnswer | undefined) // our own worker's answer
        }
      })
      worker.on('exit', (code, signal) => {
        members.delete(worker.id)
        void totals.ended(worker.id)
        asker.fail()
        reject(new Error('a gateway worker ended while it started'))
        if (state.stopping || state.proxyUrl === '') return
        office.telemetry.logger.error('worker_exited', 'A gateway worker ended and is started again', {
          exit_code: code ?? -1,
          signal: signal ?? 'none',
        })
        setTimeout(() => void (state.stopping || launch().catch(() => undefined)), state.restartMs)
        state.restartMs = Math.min(restartMaxMs, state.restartMs * 2)
      })
    })

  // A worker outlives an office that crashed, to finish its streams; not one that was told to stop and not to wait.
  const onExit = (): void => {
    if (state.stopping) for (const { worker } of members.values()) worker.process.kill('SIGKILL')
  }
  process.once('exit', onExit)
  const stop = async (graceMs: number): Promise<void> => {
    state.stopping = true
    parts.watch?.stop()
    await Promise.all([...members.values()].map((member) => stopMember(member, graceMs)))
    await office.stop(10_000)
    survivors.close()
    await simulated?.close()
    process.off('exit', onExit)
  }
  try {
    const [url] = await Promise.all(Array.from({ length: withProxy ? config.http.workers : 0 }, launch))
    state.proxyUrl = url ?? ''
  } catch (error) {
    await stop(0)
    throw error
  }
  const uninstall = installReopenSignals(process, () => {
    office.telemetry.reopen()
    for (const member of members.values()) tell(member, { kind: 'reopen' })
  })
  return {
    proxyUrl: state.proxyUrl,
    office,
    simulated: config.providers.default === 'simulated',
    demoKeys,
    async stop(graceMs) {
      uninstall()
      await stop(graceMs)
    },
  }
}

function answer(office: Office, question: OfficeQuestion): Promise<unknown> {
  return question.about === 'metrics'
    ? office.link.metricsText({ redacted: question.redacted })
    : office.link.tokenStats()
}

/** Asks a worker to drain; one that does not end in time is ended. */
function stopMember(member: Member, graceMs: number): Promise<void> {
  const { worker } = member
  return new Promise((resolve) => {
    if (worker.isDead()) return resolve()
    const kill = setTimeout(() => worker.process.kill('SIGKILL'), graceMs + 5_000)
    worker.once('exit', () => {
      clearTimeout(kill)
      resolve()
    })
    const message: ToWorker = { kind: 'stop', graceMs }
    if (worker.isConnected()) worker.send(message)
    else worker.process.kill('SIGKILL')
  })
}

import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { type Callers, call, type SeenCall, startCallers } from '../support/callers.ts'
import { embeddedLedger } from '../support/embedded-ledger.ts'
import {
  freePort,
  killQuietly,
  postgresOf,
  processesOf,
  type SignalboxProcess,
  spawnSignalbox,
} from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const cleanups: (() => void | Promise<void>)[] = []

/** To be done when the test ends, last in, first out. */
export function atEnd(...steps: readonly (() => void | Promise<void>)[]): void {
  cleanups.push(...steps)
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** A data directory and ports where one Signalbox after the other runs. */
export interface Place {
  readonly dataDir: string
  readonly proxyUrl: string
  /** Starts the program on this place's directory and ports. */
  spawn(): SignalboxProcess
  start(): Promise<SignalboxProcess>
}

export async function newPlace(upstreamUrl: string, env: Readonly<Record<string, string>> = {}): Promise<Place> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'signalbox-torture-'))
  const [proxyPort, dashboardPort] = [await freePort(), await freePort()]
  atEnd(async () => {
    await until('every process of the test is gone', () => {
      const left = processesOf(dataDir)
      for (const pid of left) killQuietly(pid, 'SIGKILL')
      return left.length === 0
    })
    rmSync(dataDir, { recursive: true, force: true })
  })
  const spawnHere = (): SignalboxProcess =>
    spawnSignalbox({
      dataDir,
      proxyPort,
      dashboardPort,
      env: { DEFAULT_PROVIDER: 'simulated', SIMULATED_UPSTREAM_URL: upstreamUrl, ...env },
    })
  return {
    dataDir,
    proxyUrl: `http://127.0.0.1:${proxyPort}`,
    spawn: spawnHere,
    async start() {
      const started = spawnHere()
      await started.ready()
      return started
    },
  }
}

export const idsOf = (seen: readonly SeenCall[]): string[] =>
  seen.flatMap(({ id, complete }) => (complete && id ? [id] : []))
export const failuresOf = (seen: readonly SeenCall[]): string[] => seen.flatMap(({ failure }) => failure ?? [])

/** Every call that a caller saw complete is in the ledger, exactly once and as such, and the rollups add up to the rows. */
export async function expectAllRecorded(
  dataDir: string,
  completed: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  expect(completed.length).toBeGreaterThan(0)
  const ledger = embeddedLedger(dataDir)
  const outcomes = await until(
    `the ${completed.length} completed calls are in the ledger`,
    async () => {
      const found = await ledger.outcomes().catch((error: unknown) => {
        if (error instanceof Error && error.message.includes('stored twice')) throw error
        return undefined // the database is not back yet
      })
      return found !== undefined && completed.every((id) => found.has(id)) && found
    },
    45_000,
  )
  expect(completed.filter((id) => outcomes.get(id) !== 'ok')).toEqual([])
  const { rows, rollups } = await ledger.counts()
  expect(rollups).toEqual({ minute: rows, hour: rows, day: rows })
  return outcomes
}

/** Starts callers that are certainly stopped at the end of the test. */
export function traffic(place: Place, options: Parameters<typeof startCallers>[1] = { callers: 8 }): Callers {
  const callers = startCallers(place.proxyUrl, options)
  atEnd(() => void callers.stop())
  return callers
}

export const untilMore = (callers: Callers, more: number): Promise<true> => {
  const wanted = callers.completed() + more
  return until(`${more} more calls complete`, () => callers.completed() >= wanted)
}

/** Streams of some seconds, all of them begun when this returns. */
export async function openStreams(
  place: Place,
  seconds: number,
  count = 4,
): Promise<{ ids: string[]; ends: Promise<SeenCall[]> }> {
  const ids: string[] = []
  const simulate = `ttft=0;output-tokens=${seconds * 20};tps=20`
  const streams = Array.from({ length: count }, () =>
    call(place.proxyUrl, { stream: true, simulate, onHead: (id) => ids.push(id) }),
  )
  await until('the streams are open', () => ids.length === count)
  return { ids, ends: Promise.all(streams) }
}

/** What all of a limited number of calls saw. */
export async function finished(callers: Callers, calls: number): Promise<readonly SeenCall[]> {
  await until(`${calls} calls end`, () => callers.seen.length >= calls, 90_000)
  return callers.stop()
}

/** Calls that were in flight when their worker died are rows that say so. */
export async function expectInterrupted(dataDir: string, ids: readonly string[]): Promise<void> {
  const outcomes = await until('the calls in flight are rows', async () => {
    const found = await embeddedLedger(dataDir).outcomes()
    return ids.every((id) => found.has(id)) && found
  })
  expect(ids.map((id) => outcomes.get(id))).toEqual(ids.map(() => 'interrupted'))
}

/** Stops the server and its backends where they are: it neither answers nor refuses. Returns how to let them go on. */
export function freezePostgres(dataDir: string): () => void {
  const frozen = postgresOf(dataDir)
  const thaw = (): void => {
    for (const pid of frozen) killQuietly(pid, 'SIGCONT')
  }
  for (const pid of frozen) killQuietly(pid, 'SIGSTOP')
  atEnd(thaw)
  return thaw
}

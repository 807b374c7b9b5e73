/**
 * Recording must never be in the way of a call, and must lose none: the real program under real traffic, while its database,
 * its processes and its disk are taken away. Counted at both ends: what callers saw complete against rows of the ledger.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { call } from '../support/callers.ts'
import { isRunning, postgresOf, postmasterOf, processesOf, residentBytes } from '../support/signalbox-process.ts'
import { type SimulatedUpstream, startSimulatedUpstream } from '../support/simulated-upstream.ts'
import { until } from '../support/until.ts'
import {
  atEnd,
  cleanUp,
  expectAllRecorded,
  expectInterrupted,
  failuresOf,
  finished,
  freezePostgres,
  idsOf,
  newPlace,
  openStreams,
  traffic,
  untilMore,
} from './place.ts'

let upstream: SimulatedUpstream

beforeAll(async () => {
  // In this process: an upstream outlives every part of a gateway that is killed.
  upstream = await startSimulatedUpstream({ config: { servedLog: 0 } })
})

afterEach(cleanUp)

afterAll(async () => {
  await upstream.stop()
})

test('callers notice nothing of a database that is killed or hangs, and every call is recorded when it is back', async () => {
  const place = await newPlace(upstream.url)
  const signalbox = await place.start()
  const callers = traffic(place)
  await untilMore(callers, 300)

  const killed = await until('PostgreSQL runs', () => postmasterOf(place.dataDir))
  process.kill(killed, 'SIGKILL')
  await until('it is started again', () => {
    const now = postmasterOf(place.dataDir)
    return now !== undefined && now !== killed
  })
  await untilMore(callers, 300)
  const before = idsOf(callers.seen)
  await expectAllRecorded(place.dataDir, before)

  const thaw = freezePostgres(place.dataDir)
  await until('the hanging database is noticed', () => signalbox.output().split('"database_down"').length > 2)
  await untilMore(callers, 300)
  thaw()

  const seen = await callers.stop()
  expect(failuresOf(seen)).toEqual([])
  const outcomes = await expectAllRecorded(place.dataDir, idsOf(seen))
  // Nobody else called: no row without a call either.
  expect(outcomes.size).toBe(seen.length)
})

test('a gateway worker that is killed loses no completed call, and what was in flight is a row', async () => {
  const place = await newPlace(upstream.url)
  const signalbox = await place.start()
  const callers = traffic(place)
  const { ids, ends } = await openStreams(place, 60)
  await untilMore(callers, 200)

  const [worker] = signalbox.workers()
  if (worker === undefined) throw new Error('there is no gateway worker')
  process.kill(worker, 'SIGKILL')
  expect((await ends).map(({ complete }) => complete)).toEqual(ids.map(() => false))
  await until('another worker serves', () => signalbox.workers().some((pid) => pid !== worker))
  await untilMore(callers, 200)

  const seen = await callers.stop()
  await expectAllRecorded(place.dataDir, idsOf(seen))
  await expectInterrupted(place.dataDir, ids)
})

test('a gateway worker that can not start again is started until it can', async () => {
  const place = await newPlace(upstream.url)
  const signalbox = await place.start()
  for (const worker of signalbox.workers()) process.kill(worker, 'SIGKILL')
  const squatter = createServer((_, response) => response.writeHead(503).end())
  atEnd(
    () => squatter.closeAllConnections(),
    () => void squatter.close(),
  )
  await until(
    'another program has the port',
    () =>
      new Promise<boolean>((resolve) => {
        squatter.once('error', () => resolve(false))
        squatter.listen(signalbox.proxyPort, '127.0.0.1', () => resolve(true))
      }),
  )
  await until('the worker can not start', () => signalbox.output().includes('"worker_failed"'))
  squatter.close()
  squatter.closeAllConnections()
  const served = await until('calls are served again', async () => {
    const one = await call(place.proxyUrl)
    return one.complete ? one : undefined
  })
  await expectAllRecorded(place.dataDir, idsOf([served]))
})

test('after all of the gateway was killed, a new start adopts the database and records what was left', async () => {
  const place = await newPlace(upstream.url)
  const first = await place.start()
  const callers = traffic(place)
  const { ids, ends } = await openStreams(place, 60)
  await untilMore(callers, 300)
  const postmaster = postmasterOf(place.dataDir)

  for (const pid of [first.pid, ...first.workers()]) process.kill(pid, 'SIGKILL')
  await first.exit
  await ends
  await place.start()
  expect(postmasterOf(place.dataDir)).toBe(postmaster)
  await untilMore(callers, 100)

  const seen = await callers.stop()
  await expectAllRecorded(place.dataDir, idsOf(seen))
  await expectInterrupted(place.dataDir, ids)
})

test('streams that outlive the killed main process are finished by their worker and recorded by the next start', async () => {
  const place = await newPlace(upstream.url)
  const first = await place.start()
  const { ids, ends } = await openStreams(place, 10)

  first.signal('SIGKILL')
  await first.exit
  await place.start()
  const [next] = idsOf([await call(place.proxyUrl)])
  if (next === undefined) throw new Error('the new start answers no call')
  // The new life records already, while the worker of the old one still serves these.
  await expectAllRecorded(place.dataDir, [next])

  const seen = await ends
  expect(failuresOf(seen)).toEqual([])
  expect(idsOf(seen).sort()).toEqual(ids.sort())
  await expectAllRecorded(place.dataDir, ids)
})

test('a full disk under the journal stops no call, and all are recorded when there is space again', async (context) => {
  const place = await newPlace(upstream.url)
  const journal = path.join(place.dataDir, 'journal')
  mkdirSync(journal, { mode: 0o700 })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', journal])
  if (mounted.status !== 0) return context.skip('mounting a small file system takes root')
  atEnd(() => void spawnSync('umount', ['--lazy', journal]))
  const signalbox = await place.start()
  const callers = traffic(place)
  await untilMore(callers, 200)

  const ballast = path.join(journal, 'ballast')
  expect(() => writeFileSync(ballast, Buffer.alloc(32 * 1024 * 1024))).toThrow('ENOSPC')
  await until('the full disk is noticed', () => signalbox.output().includes('"journal_write_failed"'))
  await untilMore(callers, 2_000)
  rmSync(ballast)

  const seen = await callers.stop()
  expect(failuresOf(seen)).toEqual([])
  const outcomes = await expectAllRecorded(place.dataDir, idsOf(seen))
  expect(outcomes.size).toBe(seen.length)
})

test('a stop lets open streams end, takes no new call, records everything and leaves no process', async () => {
  const place = await newPlace(upstream.url)
  const first = await place.start()
  const callers = traffic(place)
  await untilMore(callers, 100)
  const processes = [first.pid, ...first.workers(), ...postgresOf(place.dataDir)]
  const { ids, ends } = await openStreams(place, 4)
  let ended = false
  void ends.then(() => {
    ended = true
  })

  first.signal('SIGTERM')
  const refused = await until('new calls are refused', async () => {
    const late = await call(place.proxyUrl)
    return !late.complete || late.status === 529 ? late : undefined
  })
  expect(ended).toBe(false)
  expect(refused.failure).toMatch(/ECONNREFUSED|ECONNRESET|socket hang up|529/)

  const streams = await ends
  expect(failuresOf(streams)).toEqual([])
  expect(await first.exit).toEqual({ code: 0, signal: null })
  expect(processes.filter(isRunning)).toEqual([])
  const seen = [...(await callers.stop()), ...streams].filter(({ status }) => status === 200)

  await place.start()
  const outcomes = await expectAllRecorded(place.dataDir, idsOf(seen))
  expect(ids.map((id) => outcomes.get(id))).toEqual(ids.map(() => 'ok'))
  expect([...outcomes.values()].filter((outcome) => outcome === 'interrupted')).toEqual([])
})

test('a second instance on the same data directory is refused and the first goes on', async () => {
  const place = await newPlace(upstream.url)
  const first = await place.start()
  const second = place.spawn()
  expect((await second.exit).code).not.toBe(0)
  expect(second.output()).toContain(`Another Signalbox (process ${first.pid}) uses the data directory ${place.dataDir}`)
  const after = await call(place.proxyUrl)
  expect(after.failure).toBeNull()
  await expectAllRecorded(place.dataDir, idsOf([after]))
})

test.each(['PROXY_PORT', 'DASHBOARD_PORT'])(
  'a taken %s is said clearly and leaves no process behind',
  async (setting) => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    atEnd(() => void taken.close())
    const address = taken.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    const place = await newPlace(upstream.url, { [setting]: String(address.port) })
    const signalbox = place.spawn()
    expect((await signalbox.exit).code).not.toBe(0)
    expect(signalbox.output()).toContain(`Port ${address.port} on 127.0.0.1 is taken by another program.`)
    expect(signalbox.output()).toContain(setting)
    expect(signalbox.output()).not.toMatch(/^ {4}at /m)
    expect(processesOf(place.dataDir)).toEqual([])
  },
)

test('memory stays bounded while the database is away', async () => {
  const answer = JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5',
    content: [{ type: 'text', text: 'Hello.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 12, output_tokens: 3 },
  })
  const provider = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(answer))
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  atEnd(
    () => provider.closeAllConnections(),
    () => void provider.close(),
  )
  const address = provider.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const place = await newPlace(`http://127.0.0.1:${address.port}`)
  const signalbox = await place.start()
  const [worker] = signalbox.workers()
  if (worker === undefined) throw new Error('there is no gateway worker')

  const warm = await finished(traffic(place, { callers: 16, calls: 8_000, streams: false }), 8_000)
  await expectAllRecorded(place.dataDir, idsOf(warm))
  const before = { office: residentBytes(signalbox.pid), worker: residentBytes(worker) }

  const thaw = freezePostgres(place.dataDir)
  // More than the 8,000 rows that are kept in memory: the rest has to wait on disk.
  const seen = await finished(traffic(place, { callers: 16, calls: 25_000, streams: false }), 25_000)
  await until('the main process has read the journal up to its bound', async () => {
    const metrics = await (await fetch(`${place.proxyUrl}/metrics`)).text()
    return Number(/^signalbox_ledger_queue_rows (\d+)/m.exec(metrics)?.[1]) >= 20_000
  })
  const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)
  const grown = {
    office: megabytes(residentBytes(signalbox.pid) - before.office),
    worker: megabytes(residentBytes(worker) - before.worker),
  }
  console.info(`grown by: main process ${grown.office} MB, worker ${grown.worker} MB`)
  thaw()
  expect(failuresOf([...warm, ...seen])).toEqual([])
  expect(grown.office, 'megabytes the main process grew by').toBeLessThan(100)
  expect(grown.worker, 'megabytes the worker grew by').toBeLessThan(150)
  const outcomes = await expectAllRecorded(place.dataDir, idsOf([...warm, ...seen]))
  expect(outcomes.size).toBe(33_000)
})

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { segmentsOf, startRecorder, Witness, within, worker, world } from '../../test/support/recorders.ts'
import { uuidv7 } from '../core/ids.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import type { SetAside } from '../journal/index.ts'

describe('the way of a record', () => {
  test('goes to the observers and, priced, to the ledger: once, and in order', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness)
    const gateway = worker(at)
    const ids = Array.from({ length: 300 }, () => gateway.call())
    await recorder.drained()
    expect(at.ledger.ids).toEqual(ids)
    expect(witness.closedIds).toEqual(ids)
    expect(witness.opened.map((exchange) => exchange.id)).toEqual(ids)
    const row = at.ledger.rows.get(ids[0] ?? '')
    // 100 in at $1 and 50 out at $5 a million.
    expect(row).toMatchObject({ costUsd: 0.00035, priceSource: 'genai-prices', kind: 'closed', outcome: 'ok' })
    expect(witness.closed[0]).toEqual(row)
    expect(recorder.state()).toMatchObject({
      queueRows: 0,
      queueBytes: 0,
      lagSeconds: 0,
      writtenTotal: 300,
      openExchanges: 0,
    })
  })

  test('keeps the order within each of several journals', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness(), { batchRows: 7 })
    const workers = ['a', 'b', 'c'].map((name) => ({ name, gateway: worker(at, name), ids: [] as string[] }))
    for (let n = 0; n < 90; n += 1) {
      const one = workers[n % 3]
      one?.ids.push(one.gateway.call())
    }
    await recorder.drained()
    expect(at.ledger.rows.size).toBe(90)
    for (const { ids } of workers) expect(at.ledger.ids.filter((id) => ids.includes(id))).toEqual(ids)
  })

  test('counts the calls that are open', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness())
    const gateway = worker(at)
    const open = [gateway.open(), gateway.open()]
    await vi.waitFor(() => expect(recorder.state().openExchanges).toBe(2), within)
    for (const one of open) gateway.close(one)
    await recorder.drained()
    expect(recorder.state().openExchanges).toBe(0)
  })

  test('frees what is stored, and a dead journal altogether', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness())
    const gateway = worker(at)
    for (let n = 0; n < 200; n += 1) gateway.call()
    expect(segmentsOf(at)).toBeGreaterThan(10)
    await recorder.drained()
    await vi.waitFor(() => expect(segmentsOf(at)).toBe(1), within)
    await gateway.die()
    await vi.waitFor(() => expect(existsSync(path.join(at.journalRoot, 'w1'))).toBe(false), within)
    await vi.waitFor(() => expect(recorder.state().journalBytes).toBe(0), within)
  })

  test('an observer that throws harms nobody else', async () => {
    const at = await world()
    const recorder = await startRecorder(at, {
      exchangeOpened: () => {
        throw new Error('no')
      },
      exchangeClosed: () => {
        throw new Error('no')
      },
    })
    const id = worker(at).call()
    await recorder.drained()
    expect(at.ledger.ids).toEqual([id])
  })
})

describe('a ledger that is away', () => {
  test('stops neither observers nor gateway, costs bounded memory, and gets everything once, in order', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness, { queueRows: 50, batchRows: 20 })
    const gateway = worker(at)
    at.ledger.mood = 'fails'
    const ids: string[] = []
    let mostBytes = 0
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 100; n += 1) ids.push(gateway.call())
      await vi.waitFor(() => expect(witness.closed).toHaveLength(ids.length), within)
      mostBytes = Math.max(mostBytes, recorder.state().queueBytes)
    }
    expect(witness.closedIds).toEqual(ids)
    expect(recorder.state()).toMatchObject({ queueRows: 2_000, writtenTotal: 0 })
    expect(recorder.state().writeErrorsTotal).toBeGreaterThan(0)
    expect(mostBytes).toBeLessThan(50 * 2_000)
    at.ledger.mood = 'commit-then-fail'
    await vi.waitFor(() => expect(at.ledger.rows.size).toBeGreaterThan(0), within)
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.ids).toEqual(ids)
    expect(witness.closedIds).toEqual(ids)
    expect(recorder.state()).toMatchObject({ queueRows: 0, queueBytes: 0 })
    await vi.waitFor(() => expect(segmentsOf(at)).toBe(1), within)
  })

  test('is caught up with while calls go on', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness, { queueRows: 30, batchRows: 10 })
    const gateway = worker(at)
    const ids: string[] = []
    for (let round = 0; round < 60; round += 1) {
      at.ledger.mood = round % 10 < 5 ? 'fails' : 'works'
      for (let n = 0; n < 20; n += 1) ids.push(gateway.call())
      await new Promise((resolve) => setTimeout(resolve, round % 3))
    }
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.ids).toEqual(ids)
    expect(witness.closedIds).toEqual(ids)
  })

  test('is asked again where it never answers', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness(), { writeTimeoutMs: 100 })
    at.ledger.mood = 'hangs'
    const id = worker(at).call()
    await vi.waitFor(() => expect(recorder.state().writeErrorsTotal).toBe(1), within)
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.ids).toEqual([id])
  })

  test('does not keep the recorder from stopping', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness())
    at.ledger.mood = 'hangs'
    const gateway = worker(at)
    const id = gateway.call()
    await vi.waitFor(() => expect(at.ledger.batches.length).toBe(1), within)
    await recorder.stop({ drainMs: 50 })
    await gateway.die()
    at.ledger.mood = 'works'
    const next = await startRecorder(at, new Witness())
    await next.drained()
    expect(at.ledger.ids).toEqual([id])
  })
})

describe('what can not be stored', () => {
  test('is set aside with its reason where the ledger refuses it for good', async () => {
    const at = await world()
    const recorder = await startRecorder(at, new Witness())
    const gateway = worker(at)
    const ids = Array.from({ length: 10 }, () => gateway.call())
    at.ledger.refuse = (row) => (row.id === ids[3] ? 'no partition' : null)
    await recorder.drained()
    expect(at.ledger.ids).toEqual(ids.filter((id) => id !== ids[3]))
    expect(recorder.state().droppedTotal).toEqual({
      unreadable: 0,
      rejected: 1,
      damaged: 0,
      open_forgotten: 0,
      set_aside_deleted: 0,
    })
    const file = path.join(at.directory, 'journal-rejected', 'rejected.jsonl')
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ reason: 'no partition', exchange: { id: ids[3] } }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('is set aside where it is no exchange, and blocks nothing', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness)
    const gateway = worker(at)
    const before = gateway.call()
    const { closedAt: _, ...lacking } = closedExchange({ id: uuidv7(1) })
    gateway.journal.append('not json', 'now')
    gateway.journal.append(JSON.stringify(lacking), 'now')
    gateway.journal.append(JSON.stringify({ ...closedExchange({ id: uuidv7(2) }), news: 'of a later version' }), 'now')
    await recorder.drained()
    expect(at.ledger.ids).toEqual([before, ...at.ledger.ids.slice(1)])
    expect(at.ledger.rows.size).toBe(2)
    expect([...at.ledger.rows.values()].some((row) => 'news' in row)).toBe(false)
    expect(witness.closed).toHaveLength(2)
    expect(recorder.state().droppedTotal).toMatchObject({ unreadable: 2, rejected: 0 })
    const text = readFileSync(path.join(at.directory, 'journal-rejected', 'rejected.jsonl'), 'utf8')
    const reasons = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).reason)
    expect(reasons).toEqual(['not JSON', 'closedAt is not a whole number'])
  })
})

test('what can be neither stored nor set aside stays in the journal, blocks nothing, and is set aside later', async () => {
  const at = await world()
  const gateway = worker(at)
  const kept: Readonly<Record<string, unknown>>[] = []
  let isFull = true
  const setAside: SetAside = {
    line: async (value) => {
      if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      kept.push(value)
    },
    rest: () => Promise.resolve('new'),
  }
  const ids = Array.from({ length: 60 }, () => gateway.call())
  at.ledger.refuse = (row) => (row.id === ids[3] ? 'no' : null)
  gateway.journal.append('not json', 'now')
  const more = Array.from({ length: 200 }, () => gateway.call())
  const dead = worker(at, 'w2')
  const lost = dead.open()
  await dead.die()
  const first = await startRecorder(at, new Witness(), {}, silentLogger, { setAside })
  await vi.waitFor(() => expect(at.ledger.rows.size).toBe(260), within)
  expect(first.state().droppedTotal).toMatchObject({ rejected: 1, unreadable: 1 })
  // All is freed but the segments that hold what is owed, and the one that is written to.
  await vi.waitFor(() => expect(segmentsOf(at)).toBe(3), within)
  await first.stop({ drainMs: 50 })

  // The next life finds both again, in a journal with a gap whose writer lives.
  at.ledger.refuse = (row) => (row.id === ids[3] ? 'still no' : null)
  const second = await startRecorder(at, new Witness(), {}, silentLogger, { setAside })
  const late = gateway.call()
  await vi.waitFor(() => expect(at.ledger.rows.has(late)).toBe(true), within)
  expect(second.state().droppedTotal).toMatchObject({ rejected: 1, unreadable: 1 })
  isFull = false
  await second.drained()
  // One is owed to the reader, the other to the writer; which comes first is a matter of timing.
  expect(kept).toHaveLength(2)
  expect(kept).toContainEqual(expect.objectContaining({ record: 'not json' }))
  expect(kept).toContainEqual(
    expect.objectContaining({ reason: 'still no', exchange: expect.objectContaining({ id: ids[3] }) }),
  )
  await vi.waitFor(() => expect(segmentsOf(at)).toBe(1), within)
  expect(at.ledger.rows.get(lost.id)).toMatchObject({ outcome: 'interrupted' })
  expect([...at.ledger.ids].sort()).toEqual([...ids.filter((id) => id !== ids[3]), ...more, lost.id, late].sort())
})

test('a full disk empties itself once the ledger is back, and nothing is lost', async ({ skip }) => {
  const at = await world()
  await mkdir(at.journalRoot)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at.journalRoot], { stdio: 'ignore' })
  } catch {
    skip('mounting a small tmpfs takes root')
  }
  onTestFinished(() => void execFileSync('umount', ['-l', at.journalRoot]))
  const logged: string[] = []
  const logger: Logger = { ...silentLogger, error: (event) => logged.push(event) }
  const recorder = await startRecorder(at, new Witness(), { queueRows: 100 }, logger)
  at.ledger.mood = 'fails'
  const gateway = worker(at, 'w1', { segmentBytes: 32 * 1024 })
  const long = gateway.open()
  const ids: string[] = []
  while (gateway.journal.state().healthy) ids.push(gateway.call())
  for (let n = 0; n < 50; n += 1) ids.push(gateway.call())
  expect(gateway.journal.state().backlogBytes).toBeGreaterThan(10_000)
  await vi.waitFor(() => expect(logged).toContain('checkpoint_failed'), within)
  at.ledger.mood = 'works'
  await vi.waitFor(() => expect(gateway.journal.state().healthy).toBe(true), within)
  await recorder.drained()
  expect(at.ledger.ids).toEqual(ids)
  await gateway.die()
  await recorder.drained()
  expect(at.ledger.rows.get(long.id)).toMatchObject({ outcome: 'interrupted' })
})

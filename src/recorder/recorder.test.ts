import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { temporaryDirectory } from '../../test/support/journals.ts'
import { MemoryLedger } from '../../test/support/ledgers.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { ExchangeObserver, ExchangeOpened, RecordedExchange } from '../core/exchange.ts'
import { uuidv7 } from '../core/ids.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { isMissing, type Journal, type JournalOptions, openJournal } from '../journal/index.ts'
import { recorderConfigSchema } from './config.ts'
import { createPriceBook, createRecorder, type Recorder, type RecorderOptions } from './index.ts'

/** Every second of housekeeping is a hundredth of one: what it does shows without waiting. */
const quickClock: Clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() * 100 }

class Witness implements ExchangeObserver {
  readonly opened: ExchangeOpened[] = []
  readonly closed: RecordedExchange[] = []
  exchangeOpened(exchange: ExchangeOpened): void {
    this.opened.push(exchange)
  }
  exchangeClosed(exchange: RecordedExchange): void {
    this.closed.push(exchange)
  }
  get closedIds(): string[] {
    return this.closed.map((exchange) => exchange.id)
  }
}

interface World {
  readonly directory: string
  readonly journalRoot: string
  readonly alive: Set<string>
  readonly ledger: MemoryLedger
}

async function world(directory?: string): Promise<World> {
  const place = directory ?? (await temporaryDirectory())
  return { directory: place, journalRoot: path.join(place, 'journal'), alive: new Set(), ledger: new MemoryLedger() }
}

/** A gateway worker's journal. `die` is what a crash leaves: nothing more is written, nobody says goodbye. */
function worker(at: World, name = 'w1', options: Partial<JournalOptions> = {}) {
  at.alive.add(name)
  const journal: Journal = openJournal({
    root: at.journalRoot,
    name,
    clock: systemClock,
    logger: silentLogger,
    segmentBytes: 8_192,
    ...options,
  })
  onTestFinished(() => journal.close())
  return {
    journal,
    open(rest: Partial<ExchangeOpened> = {}): ExchangeOpened {
      const opened = openedExchange({ id: uuidv7(systemClock.now()), openedAt: systemClock.now(), ...rest })
      journal.append(JSON.stringify(opened), 'soon')
      return opened
    },
    close(opened: ExchangeOpened): string {
      const closed = closedExchange({ ...opened, kind: 'closed', closedAt: systemClock.now() })
      journal.append(JSON.stringify(closed), 'now')
      return opened.id
    },
    call(): string {
      return this.close(this.open())
    },
    async die(): Promise<void> {
      await journal.close()
      at.alive.delete(name)
    },
  }
}

async function start(
  at: World,
  witness: ExchangeObserver,
  rest: Partial<RecorderOptions['config']> = {},
  logger: Logger = silentLogger,
): Promise<Recorder> {
  const recorder = createRecorder({
    journalRoot: at.journalRoot,
    isAlive: (name) => at.alive.has(name),
    writeExchanges: at.ledger.write,
    priceBook: createPriceBook({ clock: systemClock, logger: silentLogger }),
    observers: [witness],
    clock: quickClock,
    logger,
    config: { ...recorderConfigSchema.parse({}), batchDelayMs: 5, ...rest },
  })
  await recorder.start()
  onTestFinished(() => recorder.stop({ drainMs: 0 }))
  return recorder
}

/**
 * The journals as a crash would leave them now. Nothing of ours writes during a synchronous copy, but a deletion or the
 * checkpoint's rename may be under way in another thread: segments go first, so that the checkpoint is never the older.
 */
function copyDisk(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  const isDirectory = (name: string) => !name.startsWith('checkpoint')
  for (const name of readdirSync(from).filter(isDirectory)) {
    mkdirSync(path.join(to, name))
    for (const segment of readdirSync(path.join(from, name)))
      copyIfThere(path.join(from, name, segment), path.join(to, name, segment))
  }
  copyIfThere(path.join(from, 'checkpoint.json'), path.join(to, 'checkpoint.json'))
}

function copyIfThere(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const segmentsOf = (at: World, name = 'w1') => readdirSync(path.join(at.journalRoot, name)).length
const within = { timeout: 15_000, interval: 10 }

describe('the way of a record', () => {
  test('goes to the observers and, priced, to the ledger: once, and in order', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await start(at, witness)
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
    const recorder = await start(at, new Witness(), { batchRows: 7 })
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
    const recorder = await start(at, new Witness())
    const gateway = worker(at)
    const open = [gateway.open(), gateway.open()]
    await vi.waitFor(() => expect(recorder.state().openExchanges).toBe(2), within)
    for (const one of open) gateway.close(one)
    await recorder.drained()
    expect(recorder.state().openExchanges).toBe(0)
  })

  test('frees what is stored, and a dead journal altogether', async () => {
    const at = await world()
    const recorder = await start(at, new Witness())
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
    const recorder = await start(at, {
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
    const recorder = await start(at, witness, { queueRows: 50, batchRows: 20 })
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
    const recorder = await start(at, witness, { queueRows: 30, batchRows: 10 })
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
    const recorder = await start(at, new Witness(), { writeTimeoutMs: 100 })
    at.ledger.mood = 'hangs'
    const id = worker(at).call()
    await vi.waitFor(() => expect(recorder.state().writeErrorsTotal).toBe(1), within)
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.ids).toEqual([id])
  })

  test('does not keep the recorder from stopping', async () => {
    const at = await world()
    const recorder = await start(at, new Witness())
    at.ledger.mood = 'hangs'
    const gateway = worker(at)
    const id = gateway.call()
    await vi.waitFor(() => expect(at.ledger.batches.length).toBe(1), within)
    await recorder.stop({ drainMs: 50 })
    await gateway.die()
    at.ledger.mood = 'works'
    const next = await start(at, new Witness())
    await next.drained()
    expect(at.ledger.ids).toEqual([id])
  })
})

describe('what can not be stored', () => {
  test('is set aside with its reason where the ledger refuses it for good', async () => {
    const at = await world()
    const recorder = await start(at, new Witness())
    const gateway = worker(at)
    const ids = Array.from({ length: 10 }, () => gateway.call())
    at.ledger.refuse = (row) => (row.id === ids[3] ? 'no partition' : null)
    await recorder.drained()
    expect(at.ledger.ids).toEqual(ids.filter((id) => id !== ids[3]))
    expect(recorder.state().droppedTotal).toEqual({ unreadable: 0, rejected: 1, damaged: 0, open_forgotten: 0 })
    const file = path.join(at.directory, 'journal-rejected', 'rejected.jsonl')
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ reason: 'no partition', exchange: { id: ids[3] } }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('is set aside where it is no exchange, and blocks nothing', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await start(at, witness)
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

describe('calls that their gateway died with', () => {
  test('become interrupted rows, the same in every replay, and are told once', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await start(at, witness)
    const gateway = worker(at)
    const done = gateway.call()
    const lost = gateway.open()
    await vi.waitFor(() => expect(recorder.state().openExchanges).toBe(1), within)
    const copy = await world(path.join(await temporaryDirectory(), 'copy'))
    await gateway.journal.close()
    // A whole second, because copying rounds what is finer.
    const diedAt = Math.ceil(systemClock.now() / 1_000) + 10
    utimesSync(path.join(at.journalRoot, 'w1', '00000001.seg'), diedAt, diedAt)
    cpSync(at.directory, copy.directory, { recursive: true, preserveTimestamps: true })
    await gateway.die()
    await recorder.drained()
    expect(at.ledger.ids).toEqual([done, lost.id])
    const row = at.ledger.rows.get(lost.id)
    expect(row).toMatchObject({
      outcome: 'interrupted',
      statusCode: 500,
      errorType: 'gateway_internal',
      errorMessage: 'the gateway stopped with this call in flight',
      usageSource: 'none',
      costUsd: 0,
      priceSource: 'none',
      openedAt: lost.openedAt,
      closedAt: diedAt * 1_000,
    })
    expect(witness.closedIds).toEqual([done, lost.id])
    expect(recorder.state().openExchanges).toBe(0)

    // A later life over the same files: what is no news stays untold, the interrupted call is told.
    const again = new Witness()
    const replay = await start(copy, again)
    await replay.drained()
    expect(copy.ledger.rows.get(lost.id)).toEqual(row)
    expect(again.opened).toEqual([])
    expect(again.closedIds).toEqual([lost.id])
  })

  test('are known although the segment in which they began is long gone', async () => {
    const at = await world()
    const first = await start(at, new Witness())
    const gateway = worker(at)
    const long = gateway.open()
    for (let n = 0; n < 100; n += 1) gateway.call()
    await first.drained()
    await vi.waitFor(() => expect(segmentsOf(at)).toBe(1), within)
    await first.stop({ drainMs: 0 })
    await gateway.die()
    const witness = new Witness()
    const second = await start(at, witness)
    await second.drained()
    expect(at.ledger.rows.size).toBe(101)
    expect(at.ledger.rows.get(long.id)).toMatchObject({ outcome: 'interrupted', domain: 'web' })
    expect(witness.closedIds).toEqual([long.id])
    expect(existsSync(path.join(at.journalRoot, 'w1'))).toBe(false)
  })

  test.each([5, 1_000])('are told while the ledger is away: a queue of %i rows', async (queueRows) => {
    const at = await world()
    const witness = new Witness()
    const recorder = await start(at, witness, { queueRows })
    at.ledger.mood = 'fails'
    const gateway = worker(at)
    const ids = Array.from({ length: 20 }, () => gateway.call())
    const lost = gateway.open()
    await gateway.die()
    await vi.waitFor(() => expect(witness.closedIds).toEqual([...ids, lost.id]), within)
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.taken).toEqual([...ids, lost.id])
    expect(witness.closed).toHaveLength(21)
  })
})

describe('a recorder that is killed', () => {
  test('at any moment: the next one stores every completed call once and every open one as interrupted', async () => {
    const at = await world()
    const witness = new Witness()
    const shots: { directory: string; rows: MemoryLedger['rows']; closed: string[]; open: string[] }[] = []
    const closed: string[] = []
    const open = new Map<string, ExchangeOpened>()
    const shotsRoot = await temporaryDirectory()
    let moments = 0
    const moment = (): void => {
      moments += 1
      if (moments % 37 !== 0 || shots.length >= 40) return
      const directory = path.join(shotsRoot, String(shots.length))
      copyDisk(at.journalRoot, path.join(directory, 'journal'))
      shots.push({ directory, rows: new Map(at.ledger.rows), closed: [...closed], open: [...open.keys()] })
    }
    const observer: ExchangeObserver = {
      exchangeOpened: moment,
      exchangeClosed: (exchange) => {
        witness.exchangeClosed(exchange)
        moment()
      },
    }
    const usual = at.ledger.write
    const watched: MemoryLedger['write'] = async (batch) => {
      moment()
      const result = await usual(batch)
      moment()
      return result
    }
    Object.assign(at.ledger, { write: watched })
    const recorder = await start(at, observer, { batchRows: 3, queueRows: 12, batchDelayMs: 1 })
    const gateway = worker(at, 'w1', { segmentBytes: 4_096 })
    for (let n = 0; n < 600; n += 1) {
      const opened = gateway.open()
      // Flushes the opening, so that what the copies hold is known here.
      gateway.journal.append(JSON.stringify(openedExchange({ ...opened })), 'now')
      open.set(opened.id, opened)
      if (open.size > 5) {
        const [first] = open.values()
        if (first !== undefined) {
          open.delete(first.id)
          closed.push(gateway.close(first))
        }
      }
      moment()
      if (n % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await recorder.drained()
    expect(at.ledger.ids).toEqual(closed)
    expect(witness.closedIds).toEqual(closed)
    expect(shots.length).toBeGreaterThan(20)

    for (const shot of shots) {
      const after = await world(shot.directory)
      for (const [id, row] of shot.rows) after.ledger.rows.set(id, row)
      const told = new Witness()
      const next = await start(after, told)
      await next.drained()
      await next.stop({ drainMs: 0 })
      const outcomes = (outcome: string) =>
        [...after.ledger.rows.values()].flatMap((row) => (row.outcome === outcome ? row.id : []))
      expect(outcomes('ok')).toEqual(shot.closed)
      expect(outcomes('interrupted').sort()).toEqual([...shot.open].sort())
      expect(told.closedIds.sort()).toEqual([...shot.open].sort())
      expect(readdirSync(after.journalRoot)).toEqual(['checkpoint.json'])
      expect(next.state().droppedTotal).toEqual({ unreadable: 0, rejected: 0, damaged: 0, open_forgotten: 0 })
      await rm(shot.directory, { recursive: true })
    }
  }, 120_000)

  test('while the gateway lives on: the next one tells only what is new', async () => {
    const at = await world()
    const first = await start(at, new Witness())
    const gateway = worker(at)
    gateway.call()
    const open = gateway.open()
    await first.drained()
    await first.stop({ drainMs: 0 })
    const witness = new Witness()
    const second = await start(at, witness)
    const late = gateway.call()
    gateway.close(open)
    await second.drained()
    expect(witness.opened.map((exchange) => exchange.id)).toEqual([late])
    expect(witness.closedIds).toEqual([late, open.id])
    expect(at.ledger.rows.size).toBe(3)
  })

  test('with a checkpoint that nobody can read: everything is stored again, which changes nothing', async () => {
    const at = await world()
    const first = await start(at, new Witness())
    const gateway = worker(at, 'w1', { segmentBytes: 1 << 20 })
    const ids = Array.from({ length: 20 }, () => gateway.call())
    await first.drained()
    await first.stop({ drainMs: 0 })
    await gateway.die()
    await writeFile(path.join(at.journalRoot, 'checkpoint.json'), '{"version":1,"jour')
    const witness = new Witness()
    const second = await start(at, witness)
    await second.drained()
    expect(at.ledger.ids).toEqual(ids)
    expect(witness.closed).toEqual([])
  })
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
  const recorder = await start(at, new Witness(), { queueRows: 100 }, logger)
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

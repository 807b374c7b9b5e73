/**
 * A recorder that dies between any two of its steps, on a real database. Its every way to the outside (journal, price, ledger,
 * checkpoint, release, set aside, observers) counts as a step; for each of them one recorder is let die before it and one
 * after it, and the next life goes on from what is on the disk. A recorder that is dead does nothing any more: whatever it
 * awaits never comes.
 */
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { ExchangeObserver } from '../../src/core/exchange.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import type { WriteExchanges } from '../../src/core/ledger.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { PriceBook } from '../../src/core/pricing.ts'
import { createJournalReader, createSetAside, type JournalCursor, openJournal } from '../../src/journal/index.ts'
import { type CheckpointFile, checkpointFile } from '../../src/recorder/checkpoint.ts'
import { recorderConfigSchema } from '../../src/recorder/config.ts'
import { createPriceBook, createRecorder, type Recorder, type RecorderFiles } from '../../src/recorder/index.ts'
import { connectionConfig } from '../../src/store/drivers/server.ts'
import { createNamedSql } from '../../src/store/run-named.ts'
import { createWriteExchanges } from '../../src/store/writers/write-exchanges.ts'
import { closedExchange, openedExchange } from '../support/exchanges.ts'
import { temporaryDirectory } from '../support/journals.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { limit, newChance, times } from './ledger/chance.ts'
import { expectSums } from './ledger/count.ts'
import type { Database } from './ledger/database.ts'

let created: TestDatabase
let pool: pg.Pool
let database: Database
let write: WriteExchanges

beforeAll(async () => {
  created = await createTestDatabase()
  pool = new pg.Pool({ ...connectionConfig(created.url, 'test'), max: 4 })
  database = {
    url: created.url,
    name: 'steps',
    query: async <R extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []) =>
      (await pool.query<R>(sql, [...values])).rows,
    connect: () => Promise.reject(new Error('not needed here')),
  }
  const options = { clock: systemClock, logger: silentLogger, slowQueryThresholdMs: 60_000, onQuery: () => undefined }
  write = createWriteExchanges(createNamedSql({ ...options, pool, isReady: () => true, prepared: () => true }))
})

afterAll(async () => {
  await pool.end()
  await created.drop()
})

/** What the journals hold: the calls that ended, those that did not, and what can not be stored. */
interface Truth {
  readonly closed: readonly string[]
  readonly open: readonly string[]
  readonly unreadable: number
  readonly refused: readonly string[]
}

/** Two dead journals of several segments: calls that overlap, calls left open, a record that is none, one of no use. */
async function writeJournals(root: string): Promise<Truth> {
  const closed: string[] = []
  const open: string[] = []
  const refused: string[] = []
  for (const name of ['a', 'b']) {
    const journal = openJournal({ root, name, clock: systemClock, logger: silentLogger, segmentBytes: 4_096 })
    const started = Array.from({ length: 16 }, (_, n) => {
      const openedAt = systemClock.now() - n * 40_000
      return openedExchange({ id: uuidv7(openedAt), openedAt, domain: `d${n % 3}` })
    })
    for (const [n, opened] of started.entries()) {
      if (n % 2 === 0) journal.append(JSON.stringify(opened), 'now')
      if (n % 8 === 6) {
        open.push(opened.id)
        continue
      }
      // A time to the first token that no double holds as a time: the ledger takes it and its sample not.
      const isRefused = n === 9
      const bad = isRefused ? { ttftMs: 1e300, rateLimitHeaders: { 'retry-after': '1' } } : {}
      journal.append(JSON.stringify(closedExchange({ ...opened, kind: 'closed', durationMs: 5 + n, ...bad })), 'now')
      ;(isRefused ? refused : closed).push(opened.id)
      if (n === 5) journal.append('{"kind":"closed"}', 'now')
    }
    await journal.close()
  }
  return { closed, open, refused, unreadable: 2 }
}

/** Where a recorder dies: before or after the so-manieth step of a kind. */
interface Death {
  readonly name: string
  /** From 1. */
  readonly turn: number
  readonly after: boolean
}

/** Counts steps, and stops everything at the one it is set to. */
class Fate {
  readonly taken = new Map<string, number>()
  isDead = false
  readonly #death: Death | null

  constructor(death: Death | null) {
    this.#death = death
  }

  #isLast(name: string): boolean {
    const turn = (this.taken.get(name) ?? 0) + 1
    this.taken.set(name, turn)
    const isLast = this.#death?.name === name && this.#death.turn === turn
    this.isDead ||= isLast
    return isLast
  }

  /** Does the step; never returns once it is over. `torn` is what a death in the middle of it leaves. */
  async step<T>(name: string, work: () => Promise<T>, torn?: () => void): Promise<T> {
    if (this.isDead) return never()
    if (this.#isLast(name) && this.#death?.after !== true) {
      torn?.()
      return never()
    }
    const result = await work()
    return this.isDead ? never() : result
  }

  /** The same for a step that can not wait: a dead recorder is let go on, unseen and unheard, to its next real step. */
  stepNow<T>(name: string, work: () => T, unheard: T): T {
    if (this.isDead) return unheard
    return this.#isLast(name) && this.#death?.after !== true ? unheard : work()
  }
}

const never = (): Promise<never> => new Promise(() => undefined)

interface Life {
  readonly recorder: Recorder
  /** Closes the files that a death left open. */
  bury(): Promise<void>
  readonly told: string[]
}

/** A recorder whose every step is counted by `fate`. */
function live(directory: string, fate: Fate): Life {
  const root = path.join(directory, 'journal')
  const aside = path.join(directory, 'journal-rejected')
  const told: string[] = []
  const realAside = createSetAside({ directory: aside, logger: silentLogger })
  const setAside: RecorderFiles['setAside'] = {
    // Half a line is what a crash of the machine leaves; a process leaves a whole one or none.
    line: (value) => fate.step('set aside', () => realAside.line(value)),
    rest: (find) => fate.step('damage set aside', () => realAside.rest(find)),
  }
  const reader = createJournalReader({ root, isAlive: () => false, setAside, logger: silentLogger })
  const opened: JournalCursor[] = []
  const counted = (cursor: JournalCursor): JournalCursor => {
    opened.push(cursor)
    return new Proxy(cursor, {
      get(target, name) {
        if (name === 'read')
          return (...args: Parameters<JournalCursor['read']>) => fate.step('read', () => target.read(...args))
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  const file = checkpointFile({ directory: root, logger: silentLogger })
  const checkpoint: CheckpointFile = {
    read: () => fate.step('checkpoint read', () => file.read()),
    write: (state) =>
      fate.step(
        'checkpoint written',
        () => file.write(state),
        () => writeFileSync(path.join(root, 'checkpoint.json.new'), '{"version":1,"jour'),
      ),
  }
  const observer: ExchangeObserver = {
    exchangeOpened: () => undefined,
    exchangeClosed: ({ id }) => void fate.stepNow('told', () => told.push(id), 0),
  }
  const prices = createPriceBook({ clock: systemClock, logger: silentLogger })
  const free = { costUsd: 0, priceSource: 'none' } as const
  const priceBook: PriceBook = {
    ...prices,
    price: (closed) => fate.stepNow('priced', () => prices.price(closed), free),
  }
  const recorder = createRecorder({
    journalRoot: root,
    isAlive: () => false,
    writeExchanges: (batch) =>
      // Before: the statement was never sent. After: it was committed, and nobody heard the answer.
      fate.step('ledger written', () => write(batch)),
    priceBook,
    observers: [observer],
    // A second of housekeeping is a hundredth of one.
    clock: { now: systemClock.now, monotonic: () => systemClock.monotonic() * 100 },
    logger: silentLogger,
    config: { ...recorderConfigSchema.parse({}), batchRows: 7, batchDelayMs: 1, queueRows: 12 },
    files: {
      setAside,
      checkpoint,
      reader: {
        ...reader,
        cursor: (journal, from) => counted(reader.cursor(journal, from)),
        release: (...args) => fate.step('segments released', () => reader.release(...args)),
        remove: (journal) => fate.step('journal removed', () => reader.remove(journal)),
      },
    },
  })
  const bury = async (): Promise<void> => {
    for (const cursor of opened) await cursor.close()
  }
  return { recorder, told, bury }
}

async function expectTruth(directory: string, truth: Truth): Promise<void> {
  const rows = await database.query<{ id: string; outcome: string }>('select id, outcome from api_requests')
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  const of = (outcome: string) => rows.flatMap((row) => (row.outcome === outcome ? row.id : [])).sort()
  expect(of('ok')).toEqual([...truth.closed].sort())
  expect(of('interrupted')).toEqual([...truth.open].sort())
  await expectSums(database)
  const text = readFileSync(path.join(directory, 'journal-rejected', 'rejected.jsonl'), 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line): { exchange?: { id: string }; record?: string } => JSON.parse(line))
  // A death between the line and the checkpoint makes a second line of the same record; its id tells.
  expect([...new Set(lines.flatMap(({ exchange }) => exchange?.id ?? []))].sort()).toEqual([...truth.refused].sort())
  expect(lines.filter(({ record }) => record !== undefined).length).toBeGreaterThanOrEqual(truth.unreadable)
}

const empty = () =>
  pool.query(
    'truncate api_requests, rollup_minute, rollup_hour, rollup_day, latency_minute, latency_hour, latency_day, rate_limit_samples',
  )

test(
  'wherever a recorder dies, the next one records everything once, and so does one that reads it all again',
  async () => {
    const { whole } = newChance('steps')
    const origin = await temporaryDirectory()
    const truth = await writeJournals(path.join(origin, 'journal'))
    const place = async (): Promise<string> => {
      const directory = path.join(await temporaryDirectory(), 'life')
      mkdirSync(directory)
      cpSync(origin, directory, { recursive: true, preserveTimestamps: true })
      return directory
    }

    // One undisturbed life tells how many steps there are.
    const undisturbedLife = new Fate(null)
    const undisturbed = await place()
    const first = live(undisturbed, undisturbedLife)
    await first.recorder.start()
    await first.recorder.drained()
    await first.recorder.stop({ drainMs: 0 })
    await expectTruth(undisturbed, truth)
    expect([...undisturbedLife.taken.keys()].sort()).toEqual(
      ['checkpoint read', 'checkpoint written', 'journal removed', 'ledger written', 'priced', 'read']
        .concat(['segments released', 'set aside', 'told'])
        .sort(),
    )

    // Of each kind of step the first and some others; more of them takes long, and is done on request.
    const wanted = [...undisturbedLife.taken].flatMap(([name, turns]): Death[] => {
      const some = Array.from({ length: times(1) }, () => whole(1, turns + 1))
      return [...new Set([1, ...some])].flatMap((turn) => [
        { name, turn, after: false },
        { name, turn, after: true },
      ])
    })
    const deaths: Record<string, number> = {}
    for (const death of wanted) {
      await empty()
      const directory = await place()
      const fate = new Fate(death)
      const dying = live(directory, fate)
      void dying.recorder.start().catch(() => undefined)
      let isDone = false
      const old = async (): Promise<void> => {
        await dying.recorder.drained()
        await dying.recorder.stop({ drainMs: 0 })
        isDone = true
      }
      // Lives differ in how often they look; one that needed fewer steps of a kind than the first dies of old age.
      void old().catch(() => undefined)
      await until('the recorder dies', () => fate.isDead || isDone, 60_000)
      // What it had under way when it died is over, one way or the other.
      await new Promise((resolve) => setTimeout(resolve, 5))
      await until('the database is done with the dead', async () => {
        const [row] = await database.query<{ n: number }>(
          `select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid()`,
        )
        return row?.n === 0
      })
      const name = `${death.after ? 'after' : 'before'} ${death.name}`
      deaths[name] = (deaths[name] ?? 0) + (fate.isDead ? 1 : 0)

      const next = live(directory, new Fate(null))
      await next.recorder.start()
      await next.recorder.drained()
      await next.recorder.stop({ drainMs: 0 })
      try {
        await expectTruth(directory, truth)
      } catch (error) {
        throw new Error(`died ${name} ${death.turn}`, { cause: error })
      }
      // Nobody heard of an interrupted call twice.
      const twice = truth.open.filter((id) => dying.told.includes(id) && next.told.includes(id))
      expect(twice, name).toEqual([])
      await dying.bury()
      await rm(path.dirname(directory), { recursive: true })
    }
    console.info(`deaths: ${JSON.stringify(deaths)}`)
    // Each kind at least once on either side, whatever the timing.
    expect(Object.entries(deaths).filter(([, count]) => count === 0)).toEqual([])

    // The same journals once more, over what is there: nothing changes.
    const again = live(await place(), new Fate(null))
    const counted = async () => (await database.query('select count(*) as n, sum(requests) as s from rollup_day'))[0]
    const before = await counted()
    await again.recorder.start()
    await again.recorder.drained()
    await again.recorder.stop({ drainMs: 0 })
    expect(await counted()).toEqual(before)
    await expectSums(database)
  },
  limit(600_000),
)

test('a checkpoint that ends in the middle, or is of another time, costs a reading and no row', async () => {
  await empty()
  const directory = await temporaryDirectory()
  const truth = await writeJournals(path.join(directory, 'journal'))
  appendFileSync(path.join(directory, 'journal', 'checkpoint.json'), '{"version":1,"journals":{"a":{"stored":')
  const { recorder } = live(directory, new Fate(null))
  await recorder.start()
  await recorder.drained()
  await recorder.stop({ drainMs: 0 })
  await expectTruth(directory, truth)
})

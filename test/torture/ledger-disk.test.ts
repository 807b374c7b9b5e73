/**
 * Disks that are full: under the database, and under the journal with its checkpoint and what is set aside. Records that
 * can not be stored. The same journals recorded twice.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, type TestContext, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openJournal } from '../../src/journal/index.ts'
import { closedExchange } from '../support/exchanges.ts'
import { until } from '../support/until.ts'
import { limit, newChance } from './ledger/chance.ts'
import { expectExact, expectSums } from './ledger/count.ts'
import { type Database, startTortureServer } from './ledger/database.ts'
import { newRecording, type Recording } from './ledger/recording.ts'
import { atEnd, cleanUp } from './place.ts'

const perSecond = 400

afterEach(cleanUp)

/** A small file system of its own. */
function smallDisk(megabytes: number, context: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'signalbox-torture-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', directory])
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true })
    return context.skip('mounting a small file system takes root')
  }
  atEnd(() => {
    spawnSync('umount', ['--lazy', directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** Takes all the room there is, and once more what was freed since; returns how to give it back. */
function fill(directory: string): () => void {
  const ballast = path.join(directory, 'ballast')
  for (const bytes of [1024 * 1024, 4_096, 512]) {
    const chunk = Buffer.alloc(bytes)
    try {
      for (;;) appendFileSync(ballast, chunk)
    } catch {
      // That size has no room any more.
    }
  }
  return () => rmSync(ballast, { force: true })
}

const rowsIn = async (database: Database): Promise<number> => {
  const found = await database.query<{ n: string }>('select count(*) as n from api_requests').catch(() => [])
  return Number(found[0]?.n ?? 0)
}

const untilRecording = async (database: Database, more = 500): Promise<void> => {
  const before = await rowsIn(database)
  await until(`${more} more rows are recorded`, async () => (await rowsIn(database)) >= before + more)
}

const dropped = async (recording: Recording): Promise<Record<string, number>> =>
  Object.fromEntries(
    [...(await recording.metrics()).matchAll(/^signalbox_ledger_dropped_total\{reason="(\w+)"\} (\d+)/gm)].map(
      ([, reason = '', count]) => [reason, Number(count)],
    ),
  )

test(
  'a database whose disk is full gets everything when there is room again',
  async (context) => {
    const { seedOfAnother } = newChance('database disk')
    const disk = smallDisk(260, context)
    const dataDir = path.join(disk, 'data')
    mkdirSync(dataDir)
    chmodSync(dataDir, 0o711)
    const server = await startTortureServer({ dataDir, settings: { max_wal_size: '64MB', min_wal_size: '32MB' } })
    atEnd(() => server.stop())
    const database = await server.newDatabase()
    const recording = await newRecording(database)
    const writers = [await recording.write({ seed: seedOfAnother(), perSecond })]
    await recording.start()
    await untilRecording(database)

    const give = fill(disk)
    await until('the full disk is noticed', () => {
      fill(disk)
      return recording.output().includes('"ledger_write_failed"')
    })
    const stuckAt = await until('the database says how far it came, or nothing', async () => rowsIn(database))
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    give()
    await server.answers()
    await until('it goes on', async () => (await rowsIn(database)) > stuckAt + 500)
    for (const writer of writers) await writer.stop()
    await expectExact(database, [recording])
    expect(await dropped(recording)).toMatchObject({ rejected: 0, unreadable: 0 })
    await recording.stop()
  },
  limit(300_000),
)

test(
  'bad records are set aside, counted from 0, and stop nobody; on a full disk they wait and the rest goes on',
  async (context) => {
    const { seedOfAnother } = newChance('bad records')
    const disk = smallDisk(32, context)
    const server = await startTortureServer()
    atEnd(() => server.stop())
    const database = await server.newDatabase()
    const recording = await newRecording(database, { dataDir: disk })
    const writer = await recording.write({ seed: seedOfAnother(), perSecond })
    await recording.start()
    await untilRecording(database)
    const none = { unreadable: 0, rejected: 0, damaged: 0, open_forgotten: 0, set_aside_deleted: 0 }
    expect(await dropped(recording)).toEqual(none)

    const bad = await badJournal(path.join(disk, 'journal'), 'bad-1')
    await until('they are counted', async () => (await dropped(recording)).unreadable === bad.unreadable)
    await until('all of them', async () => (await dropped(recording)).rejected === bad.rejected.length)
    const aside = path.join(disk, 'journal-rejected', 'rejected.jsonl')
    const linesOf = (): { reason: string; exchange?: { id: string }; record?: string }[] =>
      readFileSync(aside, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    expect(
      linesOf()
        .flatMap(({ exchange }) => exchange?.id ?? [])
        .sort(),
    ).toEqual([...bad.rejected].sort())
    expect(linesOf().filter(({ record }) => record !== undefined)).toHaveLength(bad.unreadable)
    expect(linesOf().every(({ reason }) => reason.length > 0)).toBe(true)
    await until('what only had to be made to fit is stored', async () => {
      const found = await database.query('select id from api_requests where id = any($1)', [bad.stored])
      return found.length === bad.stored.length
    })

    // More of them, with no room for a line or a checkpoint: they stay in the journal and nobody waits for them.
    const late = await badJournal(path.join(disk, 'prepared'), 'bad-2')
    const give = fill(disk)
    await until('the disk is noticed', () => {
      fill(disk)
      return recording.output().includes('"checkpoint_failed"')
    })
    // A name costs no room.
    renameSync(path.join(disk, 'prepared/bad-2'), path.join(disk, 'journal/bad-2'))
    await until('those before and behind them are stored', async () => {
      const found = await database.query('select id from api_requests where id = any($1)', [late.stored])
      return found.length === late.stored.length
    })
    give()
    await until('they are set aside too', () => {
      const ids = linesOf().flatMap(({ exchange }) => exchange?.id ?? [])
      return late.rejected.every((id) => ids.includes(id))
    })
    await until('their journals are gone', () => recording.journals().every((name) => !name.startsWith('bad')))
    await writer.stop()
    await until(
      'all that the writer acknowledged is there',
      async () => (await rowsIn(database)) >= writer.acknowledged().length,
    )
    const ids = new Set((await database.query<{ id: string }>('select id from api_requests')).map(({ id }) => id))
    expect(writer.acknowledged().filter((id) => !ids.has(id))).toEqual([])
    expect(ids.size).toBe(writer.acknowledged().length + bad.stored.length + late.stored.length)
    await expectSums(database)
    await recording.stop()
  },
  limit(300_000),
)

test(
  'the same journals recorded twice, by others and at the same time, change nothing',
  async () => {
    const { seedOfAnother } = newChance('replay')
    const server = await startTortureServer()
    atEnd(() => server.stop())
    const database = await server.newDatabase()
    const one = await newRecording(database)
    const two = await newRecording(database)
    for (let n = 0; n < 3; n += 1) {
      const writer = await one.write({ seed: seedOfAnother(), perSecond: 4 * perSecond })
      await until('it wrote', () => writer.acknowledged().length > 3_000)
      await writer.stop()
    }
    one.copyJournals(two)
    await Promise.all([one.start(), two.start()])
    const counted = await expectExact(database, [one])
    await until('both are done', () => one.journals().length <= 1 && two.journals().length <= 1)
    const written = async (recording: Recording): Promise<number> =>
      Number(/^signalbox_ledger_written_total (\d+)/m.exec(await recording.metrics())?.[1])
    expect((await written(one)) + (await written(two))).toBe(counted.rows)
    expect(await expectExact(database, [one])).toEqual(counted)
    await Promise.all([one.stop(), two.stop()])
  },
  limit(300_000),
)

/** A dead journal in which little is as it should be. */
async function badJournal(
  root: string,
  name: string,
): Promise<{ stored: string[]; rejected: string[]; unreadable: number }> {
  const now = systemClock.now()
  const journal = openJournal({ root, name, clock: systemClock, logger: silentLogger })
  const put = (record: object): void => void journal.append(JSON.stringify(record), 'now')
  const id = (): string => uuidv7(now)
  const stored = [id(), id(), id()]
  const [nul = '', giant = '', slow = ''] = stored
  put(closedExchange({ id: nul, openedAt: now, errorMessage: 'nul \0 and half \ud83d', domain: 'a\0b' }))
  put(closedExchange({ id: giant, openedAt: now, path: `/${'x'.repeat(500_000)}`, sessionId: 's'.repeat(100_000) }))
  const many = Number.MAX_SAFE_INTEGER
  const usage = { input: many, output: many, cacheRead: many, cacheWrite5m: many, cacheWrite1h: many, reasoning: many }
  const huge = id()
  // Nobody has the money that so many tokens would cost, and no column holds it.
  put(
    closedExchange({
      id: huge,
      openedAt: now,
      usage,
      statusCode: many,
      responseBytes: many,
      provider: 'none',
      model: 'x',
    }),
  )
  const rejected = [id(), id()]
  const headers = { 'retry-after': '1' }
  for (const one of rejected) put(closedExchange({ id: one, openedAt: now, ttftMs: 1e300, rateLimitHeaders: headers }))
  const unreadable = [
    ...['not json', '[]', '{"kind":"closed"}', JSON.stringify({ ...closedExchange({ id: id() }), openedAt: -1 })],
    ...[
      JSON.stringify({ ...closedExchange({ id: id() }), openedAt: 1e17 }),
      JSON.stringify(closedExchange({ id: 'me' })),
    ],
    JSON.stringify(closedExchange({ id: id(), closedAt: 253_402_300_800_000 })),
  ]
  for (const text of unreadable) journal.append(text, 'now')
  rejected.push(huge)
  put(closedExchange({ id: slow, openedAt: now, durationMs: 1e300, upstreamMs: 1e300 }))
  await journal.close()
  return { stored, rejected, unreadable: unreadable.length }
}

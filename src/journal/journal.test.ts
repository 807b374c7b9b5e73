import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { journalReader, payloadsOf, temporaryDirectory } from '../../test/support/journals.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import type { JournalState } from '../core/signals.ts'
import { type Journal, type JournalFiles, type JournalOptions, journalFiles, openJournal } from './index.ts'

function open(directory: string, rest: Partial<JournalOptions> = {}): Journal {
  const root = path.join(directory, 'journal')
  const journal = openJournal({ root, name: 'w1', clock: systemClock, logger: silentLogger, ...rest })
  onTestFinished(() => journal.close())
  return journal
}

const segmentsIn = (directory: string) => readdirSync(path.join(directory, 'journal', 'w1')).sort()
const read = (directory: string) => payloadsOf(journalReader(directory), 'w1')

/** A disk that a test can fill: `room` bytes are taken, then writes are short, then they fail. */
function smallDisk(room: number) {
  const disk = { room, code: 'ENOSPC', writes: 0, creates: 0, failCreates: false }
  const refuse = () => Object.assign(new Error(disk.code), { code: disk.code })
  const files: JournalFiles = {
    ...journalFiles,
    create(file) {
      disk.creates += 1
      if (disk.failCreates) throw refuse()
      return journalFiles.create(file)
    },
    write(fd, bytes, offset, length, position) {
      disk.writes += 1
      if (disk.room === 0) throw refuse()
      const taken = journalFiles.write(fd, bytes, offset, Math.min(length, disk.room), position)
      disk.room -= taken
      return taken
    },
  }
  return { disk, files }
}

describe('appending', () => {
  test('has the record in the file when it returns, with all that came before, by one write', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(Number.POSITIVE_INFINITY)
    const journal = open(directory, { files })
    journal.append('{"n":3}', 'soon')
    journal.append('{"n":4}', 'now')
    expect(disk.writes).toBe(1)
    const file = readFileSync(path.join(directory, 'journal', 'w1', '00000001.seg'), 'utf8')
    expect(file).toMatch(/"n":3.*"n":4/s)
    expect(journal.state()).toMatchObject({ healthy: true, backlogBytes: 0, errorsTotal: 0 })
  })

  test('writes records that were to go soon when the event loop comes round', async () => {
    const directory = await temporaryDirectory()
    const journal = open(directory)
    journal.append('"a"', 'soon')
    expect(journal.state().backlogBytes).toBeGreaterThan(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await read(directory)).toEqual(['"a"'])
  })

  test('puts the records of one turn into the file by one write, and says so to each that waits', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(Number.POSITIVE_INFINITY)
    const journal = open(directory, { files })
    const seen: string[][] = []
    const written = async () => void seen.push(await read(directory))
    await Promise.all(
      ['"a"', '"b"', '"c"'].map(
        (payload) =>
          new Promise<void>((resolve) => {
            journal.append(payload, 'soon', () => void written().then(resolve))
          }),
      ),
    )
    expect(disk.writes).toBe(1)
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['"a"', '"b"', '"c"']))
  })

  test('lets nobody wait for a disk that refuses, nor for a journal that is closed meanwhile', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(0)
    const journal = open(directory, { files })
    await new Promise<void>((resolve) => void journal.append('"a"', 'soon', resolve))
    expect(journal.state().healthy).toBe(false)
    await new Promise<void>((resolve) => void journal.append('"b"', 'soon', resolve))
    disk.room = Number.POSITIVE_INFINITY
    const last = new Promise<void>((resolve) => void journal.append('"c"', 'soon', resolve))
    await journal.close()
    await last
    expect(await read(directory)).toEqual(['"a"', '"b"', '"c"'])
  })

  test('keeps every character of any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 40 }), async (texts) => {
        const directory = await temporaryDirectory()
        const journal = open(directory, { segmentBytes: 200 })
        const payloads = texts.map((text) => JSON.stringify(text))
        for (const [index, payload] of payloads.entries()) journal.append(payload, index % 3 === 0 ? 'now' : 'soon')
        await journal.close()
        expect(await read(directory)).toEqual(payloads)
        await rm(directory, { recursive: true })
      }),
      { numRuns: 30 },
    )
  })

  test('refuses what no reader would take, and everything after its end', async () => {
    const directory = await temporaryDirectory()
    const journal = open(directory)
    expect(journal.append('', 'now')).toBe(false)
    expect(journal.append('x'.repeat(1024 * 1024 + 1), 'now')).toBe(false)
    expect(journal.append('é'.repeat(1024 * 1024), 'now')).toBe(false)
    expect(journal.append('x'.repeat(1024 * 1024), 'now')).toBe(true)
    await journal.close()
    expect(journal.append('"late"', 'now')).toBe(false)
    expect(await read(directory)).toHaveLength(1)
  })

  test('makes files that nobody else can read', async () => {
    const directory = await temporaryDirectory()
    open(directory)
    expect(statSync(path.join(directory, 'journal', 'w1')).mode & 0o777).toBe(0o700)
    expect(statSync(path.join(directory, 'journal', 'w1', '00000001.seg')).mode & 0o777).toBe(0o600)
  })

  test('goes on in a new segment at the size, and after those of an earlier life', async () => {
    const directory = await temporaryDirectory()
    const first = open(directory, { segmentBytes: 100 })
    for (let n = 0; n < 10; n += 1) first.append(JSON.stringify({ n, text: 'x'.repeat(40) }), 'now')
    await first.close()
    const before = segmentsIn(directory)
    expect(before.length).toBeGreaterThan(4)
    const second = open(directory)
    second.append('"second life"', 'now')
    await second.close()
    expect(segmentsIn(directory)).toHaveLength(before.length + 1)
    expect((await read(directory)).at(-1)).toBe('"second life"')
  })

  test('uses the old segment on where no new one can be made', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(Number.POSITIVE_INFINITY)
    const journal = open(directory, { segmentBytes: 10, files })
    disk.failCreates = true
    for (let n = 0; n < 5; n += 1) expect(journal.append(`{"n":${n}}`, 'now')).toBe(true)
    expect(segmentsIn(directory)).toHaveLength(1)
    expect(disk.creates).toBe(2) // the first, and one attempt: the next is only due after a while
    disk.failCreates = false
    await journal.close()
    expect(await read(directory)).toHaveLength(5)
  })
})

describe('syncing', () => {
  test('syncs in groups, never a file twice at once, and once more at the end', async () => {
    const directory = await temporaryDirectory()
    const running = new Set<number>()
    let twice = 0
    let syncs = 0
    const files: JournalFiles = {
      ...journalFiles,
      async sync(fd) {
        if (running.has(fd)) twice += 1
        running.add(fd)
        syncs += 1
        await journalFiles.sync(fd)
        running.delete(fd)
      },
    }
    const journal = open(directory, { syncIntervalMs: 1, segmentBytes: 2_000, files })
    for (let n = 0; n < 500; n += 1) {
      journal.append(`{"n":${n}}`, 'now')
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(syncs).toBeGreaterThan(1))
    const before = syncs
    await journal.close()
    expect(syncs).toBeGreaterThan(before)
    expect(twice).toBe(0)
    expect(await read(directory)).toHaveLength(500)
  })

  test('tells of a sync that fails, and of the next that does not', async () => {
    const directory = await temporaryDirectory()
    const states: JournalState[] = []
    let fails = true
    const files: JournalFiles = {
      ...journalFiles,
      sync: (fd) => (fails ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : journalFiles.sync(fd)),
    }
    const journal = open(directory, { syncIntervalMs: 1, files, onStateChange: (state) => states.push(state) })
    journal.append('1', 'now')
    await vi.waitFor(() => expect(states.map((state) => state.healthy)).toEqual([false]))
    fails = false
    journal.append('2', 'now')
    await vi.waitFor(() => expect(states.map((state) => state.healthy)).toEqual([false, true]))
    expect(journal.state().errorsTotal).toBe(1)
  })
})

describe('a disk that refuses', () => {
  test('loses nothing and writes nothing twice, wherever the writes break off', async () => {
    const step = fc.record({
      room: fc.integer({ min: 0, max: 90 }),
      records: fc.integer({ min: 1, max: 4 }),
      soon: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const directory = await temporaryDirectory()
        const { disk, files } = smallDisk(0)
        const journal = open(directory, { segmentBytes: 150, files })
        const payloads: string[] = []
        for (const { room, records, soon } of steps) {
          disk.room = room
          for (let n = 0; n < records; n += 1) {
            const payload = JSON.stringify({ n: payloads.length, text: 'abcdefghij' })
            payloads.push(payload)
            expect(journal.append(payload, soon ? 'soon' : 'now')).toBe(true)
          }
        }
        disk.room = Number.POSITIVE_INFINITY
        await journal.close()
        expect(await read(directory)).toEqual(payloads)
        await rm(directory, { recursive: true })
      }),
      { numRuns: 100 },
    )
  })

  test('is told, tried again by itself, and told again', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(5)
    const states: JournalState[] = []
    const journal = open(directory, { files, onStateChange: (state) => states.push(state) })
    expect(journal.append('"waits"', 'now')).toBe(true)
    expect(journal.state()).toMatchObject({ healthy: false, errorsTotal: 1 })
    expect(await read(directory)).toEqual([])
    disk.room = Number.POSITIVE_INFINITY
    await vi.waitFor(() => expect(journal.state().healthy).toBe(true), { timeout: 5_000 })
    expect(states.map((state) => state.healthy)).toEqual([false, true])
    expect(journal.state().backlogBytes).toBe(0)
    expect(await read(directory)).toEqual(['"waits"'])
  })

  test('makes it refuse records once the backlog is full, and take them again afterwards', async () => {
    const directory = await temporaryDirectory()
    const { disk, files } = smallDisk(0)
    const journal = open(directory, { files, maxBacklogBytes: 1_000 })
    const taken: string[] = []
    for (let n = 0; n < 100; n += 1) {
      const payload = JSON.stringify({ n, text: 'x'.repeat(50) })
      if (journal.append(payload, 'now')) taken.push(payload)
    }
    expect(taken.length).toBeGreaterThan(5)
    expect(taken.length).toBeLessThan(20)
    expect(journal.state().backlogBytes).toBeLessThan(1_100)
    disk.room = Number.POSITIVE_INFINITY
    expect(journal.append('"after"', 'now')).toBe(true)
    expect(await read(directory)).toEqual([...taken, '"after"'])
  })

  test('survives a real full disk', async ({ skip }) => {
    const directory = await temporaryDirectory()
    const root = path.join(directory, 'journal')
    await mkdir(root)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root], { stdio: 'ignore' })
    } catch {
      skip('mounting a small tmpfs takes root')
    }
    onTestFinished(() => void execFileSync('umount', ['-l', root]))
    const ballast = path.join(root, 'ballast')
    writeFileSync(ballast, Buffer.alloc(512 * 1024))
    const journal = open(directory, { segmentBytes: 64 * 1024 })
    const payloads: string[] = []
    for (let n = 0; n < 1_500; n += 1) {
      const payload = JSON.stringify({ n, text: 'x'.repeat(470) })
      payloads.push(payload)
      expect(journal.append(payload, n % 2 === 0 ? 'now' : 'soon')).toBe(true)
    }
    expect(journal.state()).toMatchObject({ healthy: false })
    expect(journal.state().backlogBytes).toBeGreaterThan(100_000)
    // What is in the files is a whole beginning; the reader of a live journal takes a torn end as not yet written.
    const early = await payloadsOf(
      journalReader(directory, () => true),
      'w1',
    )
    expect(early).toEqual(payloads.slice(0, early.length))
    rmSync(ballast)
    await vi.waitFor(() => expect(journal.state().healthy).toBe(true), { timeout: 5_000 })
    await journal.close()
    expect(await read(directory)).toEqual(payloads)
  })
})

describe('a process that is killed', () => {
  let built = ''

  beforeAll(async () => {
    // Child processes run JavaScript: the room is compiled as a release would be, into a directory of its own.
    const project = path.resolve(import.meta.dirname, '../..')
    built = path.join(project, 'node_modules', '.cache', `journal-${process.pid}`)
    await mkdir(built, { recursive: true })
    writeFileSync(
      path.join(built, 'tsconfig.json'),
      JSON.stringify({
        extends: path.join(project, 'tsconfig.build.json'),
        compilerOptions: {
          rootDir: path.join(project, 'src'),
          outDir: built,
          incremental: false,
          tsBuildInfoFile: null,
        },
        files: [path.join(project, 'src/journal/journal.ts'), path.join(project, 'src/core/clock.ts')],
        include: [],
      }),
    )
    execFileSync(path.join(project, 'node_modules/.bin/tsc'), ['-p', built])
    return () => rm(built, { recursive: true, force: true })
  })

  test.each([1, 700, 5_000])('loses nothing of what it appended now: killed after %i records', async (count) => {
    const directory = await temporaryDirectory()
    const script = path.join(built, 'append.mjs')
    writeFileSync(
      script,
      `import { writeSync } from 'node:fs'
       import { openJournal } from './journal/journal.js'
       import { systemClock } from './core/clock.js'
       const logger = { debug() {}, info() {}, warn() {}, error() {} }
       const journal = openJournal({ root: process.argv[2], name: 'w1', clock: systemClock, logger, segmentBytes: 65536 })
       function some() {
         for (let n = 0; n < 100; n += 1) {
           journal.append(JSON.stringify({ soon: some.n }), 'soon')
           journal.append(JSON.stringify({ now: some.n, text: 'x'.repeat(200) }), 'now')
           some.n += 1
           writeSync(1, '.')
         }
         setImmediate(some)
       }
       some.n = 0
       some()`,
    )
    const child = spawn(process.execPath, [script, path.join(directory, 'journal')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let acknowledged = 0
    child.stdout.on('data', (dots: Buffer) => {
      acknowledged += dots.length
      if (acknowledged >= count) child.kill('SIGKILL')
    })
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    const found = (await read(directory)).map((payload) => JSON.parse(payload) as { now?: number; soon?: number })
    const now = found.flatMap((record) => record.now ?? [])
    expect(acknowledged).toBeGreaterThanOrEqual(count)
    expect(now.length).toBeGreaterThanOrEqual(acknowledged)
    expect(now).toEqual(now.map((_, index) => index))
    expect(found.flatMap((record) => record.soon ?? []).slice(0, now.length)).toEqual(now)
  })
})

/**
 * A power cut, simulated: a disk that keeps of a file what the last finished `fdatasync` covered, and of a directory the
 * names that its last sync covered. Time is a hand that the test turns, so that every cut is at an exact moment.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { journalReader, payloadsOf, temporaryDirectory } from '../../test/support/journals.ts'
import type { Clock } from '../core/clock.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { journalConfigSchema } from './config.ts'
import { powerCutWindowMs } from './group-sync.ts'
import { type JournalFiles, openJournal } from './index.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const clock: Clock = { now: () => 0, monotonic: () => performance.now() }

interface VirtualFile {
  readonly path: string
  bytes: Buffer
  /** Length that survives, and from when on. */
  readonly synced: { readonly at: number; readonly length: number }[]
}

/** Syncs take as long as `syncMs` says at their turn; what they cover is what was written when they began. */
function virtualDisk(syncMs: () => number) {
  const files: VirtualFile[] = []
  const names: { readonly at: number; readonly count: number }[] = []
  const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))
  const io: JournalFiles = {
    create(file) {
      files.push({ path: file, bytes: Buffer.alloc(0), synced: [] })
      return files.length - 1
    },
    write(fd, bytes, offset, length, position) {
      const file = files[fd]
      if (file === undefined) throw new Error('no such file')
      file.bytes = Buffer.concat([file.bytes.subarray(0, position), bytes.subarray(offset, offset + length)])
      return length
    },
    async sync(fd) {
      const length = files[fd]?.bytes.length ?? 0
      await wait(syncMs())
      files[fd]?.synced.push({ at: clock.monotonic(), length })
    },
    async syncDirectory() {
      const count = files.length
      await wait(syncMs())
      names.push({ at: clock.monotonic(), count })
    },
    close: () => undefined,
  }
  /** The files as they are found after a cut at that moment. */
  const after = (cut: number): readonly { path: string; bytes: Buffer }[] => {
    const named = Math.max(0, ...names.filter(({ at }) => at <= cut).map(({ count }) => count))
    return files.slice(0, named).map(({ path: name, bytes, synced }) => {
      const length = Math.max(0, ...synced.filter(({ at }) => at <= cut).map((one) => one.length))
      return { path: name, bytes: bytes.subarray(0, length) }
    })
  }
  return { io, after }
}

const step = fc.record({
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 90 })),
  soon: fc.boolean(),
})

test('whenever the power is cut, what was written 50 ms before is there, on a disk that syncs within 25 ms', async () => {
  const { syncIntervalMs } = journalConfigSchema.parse({})
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
      async (steps, syncTimes, cuts) => {
        let syncs = 0
        const { io, after } = virtualDisk(() => syncTimes[syncs++ % syncTimes.length] ?? 0)
        const startedAt = clock.monotonic()
        const journal = openJournal({
          root: path.join(await temporaryDirectory(), 'journal'),
          name: 'w1',
          clock,
          logger: silentLogger,
          files: io,
          segmentBytes: 120,
          syncIntervalMs,
        })
        const written: { at: number; payload: string }[] = []
        for (const [n, { pauseMs, soon }] of steps.entries()) {
          await vi.advanceTimersByTimeAsync(pauseMs)
          const payload = JSON.stringify({ n, text: 'x'.repeat(20) })
          journal.append(payload, soon ? 'soon' : 'now')
          written.push({ at: clock.monotonic(), payload })
        }
        await vi.advanceTimersByTimeAsync(200)
        for (const share of cuts) {
          const cut = startedAt + share * (clock.monotonic() - startedAt)
          const directory = await temporaryDirectory()
          for (const file of after(cut)) {
            const place = path.join(directory, 'journal', 'w1', path.basename(file.path))
            await mkdir(path.dirname(place), { recursive: true })
            await writeFile(place, file.bytes)
          }
          const reader = journalReader(directory)
          const found = await payloadsOf(reader, 'w1')
          const owed = written.filter(({ at }) => at <= cut - powerCutWindowMs).map(({ payload }) => payload)
          expect(found.slice(0, owed.length)).toEqual(owed)
          expect(found).toEqual(written.slice(0, found.length).map(({ payload }) => payload))
          expect(reader.damagedTotal()).toBe(0)
        }
        expect(journal.state().longestExposureMs).toBeLessThanOrEqual(powerCutWindowMs)
        const closed = journal.close()
        await vi.advanceTimersByTimeAsync(200)
        await closed
      },
    ),
    { numRuns: 40 },
  )
})

test('a change of segments while a sync runs makes nothing wait longer', async () => {
  const { io, after } = virtualDisk(() => 25)
  const startedAt = clock.monotonic()
  const journal = openJournal({
    root: path.join(await temporaryDirectory(), 'journal'),
    name: 'w1',
    clock,
    logger: silentLogger,
    files: io,
    segmentBytes: 120,
    syncIntervalMs: 25,
  })
  // Each fills its segment. The first sync runs from 25 to 50, and covers nothing of the second and the third.
  for (const pause of [0, 26, 22]) {
    await vi.advanceTimersByTimeAsync(pause)
    journal.append(JSON.stringify({ text: 'x'.repeat(120) }), 'now')
  }
  await vi.advanceTimersByTimeAsync(200)
  const found = after(startedAt + 26 + powerCutWindowMs).filter(({ bytes }) => bytes.length > 0)
  expect(found.length).toBeGreaterThanOrEqual(2)
  const closed = journal.close()
  await vi.advanceTimersByTimeAsync(200)
  await closed
})

test('a slower disk is told of, once a minute, with what a power cut could have cost', async () => {
  const told: unknown[] = []
  const logger: Logger = { ...silentLogger, warn: (event, _message, fields) => told.push([event, fields?.exposed_ms]) }
  const { io } = virtualDisk(() => 400)
  const journal = openJournal({
    root: path.join(await temporaryDirectory(), 'journal'),
    name: 'w1',
    clock,
    logger,
    files: io,
  })
  for (let n = 0; n < 20; n += 1) {
    journal.append(`{"n":${n}}`, 'now')
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(told).toEqual([['journal_sync_slow', 425]])
  expect(journal.state().longestExposureMs).toBe(425)
  await vi.advanceTimersByTimeAsync(60_000)
  journal.append('{"n":20}', 'now')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toHaveLength(2)
  const closed = journal.close()
  await vi.advanceTimersByTimeAsync(2_000)
  await closed
})

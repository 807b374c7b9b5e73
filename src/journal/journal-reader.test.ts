import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { journalReader, payloadsOf, temporaryDirectory } from '../../test/support/journals.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { type CursorStep, createJournalReader, createSetAside, journalStart, openJournal } from './index.ts'
import { JournalCursor } from './journal-cursor.ts'

/** A journal `w1` with these payloads, written and closed; returns the paths of its segments. */
async function writeJournal(directory: string, payloads: readonly string[], segmentBytes = 1 << 20): Promise<string[]> {
  const root = path.join(directory, 'journal')
  const journal = openJournal({ root, name: 'w1', clock: systemClock, logger: silentLogger, segmentBytes })
  for (const payload of payloads) journal.append(payload, 'now')
  await journal.close()
  return readdirSync(path.join(root, 'w1'))
    .sort()
    .map((name) => path.join(root, 'w1', name))
}

const first = (files: string[]): string => files[0] ?? ''
const numbered = (count: number) => Array.from({ length: count }, (_, n) => JSON.stringify({ n }))

async function kindsOf(directory: string, isAlive: boolean): Promise<CursorStep['kind'][]> {
  const cursor = journalReader(directory, () => isAlive).cursor('w1', journalStart)
  const kinds: CursorStep['kind'][] = []
  while (kinds.length < 20) {
    const step = await cursor.read()
    kinds.push(step.kind)
    if (step.kind !== 'records') break
  }
  await cursor.close()
  return kinds
}

describe('a journal cut at any byte', () => {
  test('gives what was whole and nothing else, dead or alive', async () => {
    const directory = await temporaryDirectory()
    const payloads = ['"a"', '{"text":"ünïcödé"}', '1', JSON.stringify('x'.repeat(40))]
    const file = first(await writeJournal(directory, payloads))
    const whole = await readFile(file)
    const ends: number[] = []
    for (const payload of payloads) ends.push((ends.at(-1) ?? 0) + 8 + Buffer.byteLength(payload))
    expect(ends.at(-1)).toBe(whole.length)
    for (let cut = 0; cut <= whole.length; cut += 1) {
      await writeFile(file, whole.subarray(0, cut))
      const expected = payloads.filter((_, index) => (ends[index] ?? 0) <= cut)
      for (const isAlive of [true, false]) {
        const reader = journalReader(directory, () => isAlive)
        expect(await payloadsOf(reader, 'w1')).toEqual(expected)
        expect(reader.damagedTotal()).toBe(0)
      }
    }
    expect(existsSync(path.join(directory, 'journal-rejected'))).toBe(false)
  })

  test('and torn by a power cut (zeros behind the cut) as well', async () => {
    const directory = await temporaryDirectory()
    const file = first(await writeJournal(directory, ['"a"', '"bcd"']))
    const whole = await readFile(file)
    for (let cut = 11; cut < whole.length; cut += 1) {
      await writeFile(file, Buffer.concat([whole.subarray(0, cut), Buffer.alloc(whole.length - cut)]))
      const reader = journalReader(directory)
      // The last byte of a payload may be a zero by itself; here it is a quotation mark.
      expect(await payloadsOf(reader, 'w1')).toEqual(['"a"'])
      expect(reader.damagedTotal()).toBe(0)
    }
  })

  test('is read on where the live writer completes the record', async () => {
    const directory = await temporaryDirectory()
    const file = first(await writeJournal(directory, ['"first"', '"second"']))
    const whole = await readFile(file)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 6 }), async (cuts) => {
        truncateSync(file, 0)
        const cursor = journalReader(directory, () => true).cursor('w1', journalStart)
        const found: string[] = []
        for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
          await writeFile(file, whole.subarray(0, cut))
          const step = await cursor.read()
          if (step.kind === 'records') found.push(...step.records.map((record) => record.payload.toString()))
          else expect(step.kind).toBe('idle')
        }
        await cursor.close()
        expect(found).toEqual(['"first"', '"second"'])
      }),
      { numRuns: 50 },
    )
  })
})

describe('reading', () => {
  test('goes through all segments, says where each record ends, and goes on from there', async () => {
    const directory = await temporaryDirectory()
    await writeJournal(directory, numbered(50), 60)
    const reader = journalReader(directory)
    const cursor = reader.cursor('w1', journalStart)
    let seen = 0
    for (let step = await cursor.read(); step.kind === 'records'; step = await cursor.read()) {
      for (const record of step.records) {
        seen += 1
        const rest = reader.cursor('w1', { segment: record.segment, offset: record.end })
        const next = await rest.read()
        const text = next.kind === 'records' ? next.records[0]?.payload.toString() : next.kind
        expect(text).toBe(seen < 50 ? `{"n":${seen}}` : 'end')
        await rest.close()
      }
    }
    await cursor.close()
    expect(seen).toBe(50)
  })

  test('stops at a place it is told', async () => {
    const directory = await temporaryDirectory()
    await writeJournal(directory, numbered(10), 60)
    const reader = journalReader(directory)
    const ahead = reader.cursor('w1', journalStart)
    const behind = reader.cursor('w1', journalStart)
    let found = 0
    for (let step = await ahead.read(); step.kind === 'records'; step = await ahead.read()) {
      for (
        let until = await behind.read(ahead.position);
        until.kind === 'records';
        until = await behind.read(ahead.position)
      ) {
        found += until.records.length
      }
      expect(behind.position).toEqual(ahead.position)
    }
    expect(found).toBe(10)
    await Promise.all([ahead.close(), behind.close()])
  })

  test('takes records longer than its chunk', async () => {
    const directory = await temporaryDirectory()
    const payloads = ['"short"', JSON.stringify('x'.repeat(5_000)), JSON.stringify('y'.repeat(900_000)), '"end"']
    await writeJournal(directory, payloads)
    const options = { isAlive: () => false, logger: silentLogger, chunkBytes: 64 }
    const setAside = createSetAside({ directory: path.join(directory, 'aside'), logger: silentLogger })
    const reader = createJournalReader({ root: path.join(directory, 'journal'), setAside, ...options })
    expect(await payloadsOf(reader, 'w1')).toEqual(payloads)
  })

  test('ends at a dead journal and waits at a live one, also before there is any file', async () => {
    const directory = await temporaryDirectory()
    expect(await kindsOf(directory, true)).toEqual(['idle'])
    expect(await kindsOf(directory, false)).toEqual(['end'])
    await writeJournal(directory, numbered(3))
    expect(await kindsOf(directory, true)).toEqual(['records', 'idle'])
    expect(await kindsOf(directory, false)).toEqual(['records', 'end'])
  })

  test('looks once more at a segment that is completed between the read and the look for the next one', async () => {
    const directory = await temporaryDirectory()
    const file = first(await writeJournal(directory, ['"first"', '"last"']))
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, whole.indexOf('"first"') + 7))
    const cursor = new JournalCursor({
      directory: path.dirname(file),
      journal: 'w1',
      from: journalStart,
      isAlive: () => true,
      segmentFrom: async (_, atLeast) => (atLeast <= 1 ? 1 : null),
      async hasSegment(_, segment) {
        await writeFile(file, whole)
        return segment <= 2
      },
      setAside: createSetAside({ directory: path.join(directory, 'aside'), logger: silentLogger }),
      logger: silentLogger,
      onDamage: () => {},
      chunkBytes: 1_024,
    })
    const found: string[] = []
    for (let step = await cursor.read(); step.kind === 'records'; step = await cursor.read()) {
      found.push(...step.records.map((record) => record.payload.toString()))
    }
    await cursor.close()
    expect(found).toEqual(['"first"', '"last"'])
  })

  test('follows a writer that rotates all the time, in order and without a gap', async () => {
    const directory = await temporaryDirectory()
    let isAlive = true
    const root = path.join(directory, 'journal')
    const journal = openJournal({ root, name: 'w1', clock: systemClock, logger: silentLogger, segmentBytes: 300 })
    const cursor = journalReader(directory, () => isAlive).cursor('w1', journalStart)
    const found: number[] = []
    const writing = (async () => {
      for (let n = 0; n < 3_000; n += 1) {
        journal.append(JSON.stringify(n), n % 5 === 0 ? 'now' : 'soon')
        if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await journal.close()
      isAlive = false
    })()
    for (let step = await cursor.read(); step.kind !== 'end'; step = await cursor.read()) {
      if (step.kind === 'records') found.push(...step.records.map((record) => Number(record.payload.toString())))
    }
    await writing
    await cursor.close()
    expect(found).toEqual(Array.from({ length: 3_000 }, (_, n) => n))
  })
})

describe('damage', () => {
  test('costs the record it hits and no other; its bytes are kept aside, and it is counted once', async () => {
    const directory = await temporaryDirectory()
    const files = await writeJournal(directory, numbered(30), 150)
    expect(files.length).toBeGreaterThan(2)
    const bytes = await readFile(first(files))
    const frame = 8 + 7
    bytes.writeUInt8(0x21, 2 * frame + 10)
    await writeFile(first(files), bytes)
    const expected = numbered(30).filter((_, n) => n !== 2)
    const reader = journalReader(directory)
    expect(await payloadsOf(reader, 'w1')).toEqual(expected)
    expect(await payloadsOf(reader, 'w1')).toEqual(expected)
    expect(reader.damagedTotal()).toBe(1)
    const aside = path.join(directory, 'journal-rejected', `w1-1-${2 * frame}.raw`)
    expect(await readFile(aside)).toEqual(bytes.subarray(2 * frame, 3 * frame))
    expect(statSync(aside).mode & 0o777).toBe(0o600)
  })

  test('in the middle of a dead journal is not taken for a torn tail', async () => {
    const directory = await temporaryDirectory()
    const file = first(await writeJournal(directory, numbered(5)))
    const bytes = await readFile(file)
    bytes.writeUInt8(0x21, 10)
    await writeFile(file, bytes)
    const reader = journalReader(directory)
    expect(await payloadsOf(reader, 'w1')).toEqual(numbered(5).slice(1))
    expect(await readFile(path.join(directory, 'journal-rejected', 'w1-1-0.raw'))).toEqual(bytes.subarray(0, 15))
  })

  test('of a page that a power cut left empty, or of a length, costs no record behind it', async () => {
    const directory = await temporaryDirectory()
    const payloads = Array.from({ length: 400 }, (_, n) => JSON.stringify({ n, text: 'x'.repeat(60) }))
    const file = first(await writeJournal(directory, payloads))
    const whole = await readFile(file)
    const empty = Buffer.from(whole).fill(0, 4_096, 8_192)
    const long = Buffer.from(whole)
    long.writeUInt8(0x0f, 2) // the first record now claims almost a mebibyte
    for (const [bytes, lost] of [
      [empty, Math.ceil(4_096 / (whole.length / 400)) + 1],
      [long, 1],
    ] as const) {
      await writeFile(file, bytes)
      const reader = journalReader(directory)
      const found = await payloadsOf(reader, 'w1')
      expect(found.length).toBeGreaterThanOrEqual(400 - lost)
      expect(found).toEqual(payloads.filter((payload) => found.includes(payload)))
      expect(found.at(-1)).toBe(payloads.at(-1))
      expect(reader.damagedTotal()).toBe(1)
      await rm(path.join(directory, 'journal-rejected'), { recursive: true })
    }
  })

  test('is stepped over by every reader at the same places', async () => {
    const directory = await temporaryDirectory()
    const files = await writeJournal(directory, numbered(40), 200)
    const bytes = await readFile(first(files))
    for (const at of [20, 100]) bytes.writeUInt8(0x21, at)
    await writeFile(first(files), bytes)
    const reader = journalReader(directory)
    const [ahead, behind] = [reader.cursor('w1', journalStart), reader.cursor('w1', journalStart)]
    let found = 0
    for (let step = await ahead.read(); step.kind === 'records'; step = await ahead.read()) {
      for (let next = await behind.read(ahead.position); next.kind === 'records'; ) {
        found += next.records.length
        next = await behind.read(ahead.position)
      }
      expect(behind.position).toEqual(ahead.position)
    }
    expect(found).toBe(38)
    expect(reader.damagedTotal()).toBe(2)
    await Promise.all([ahead.close(), behind.close()])
  })

  test('of any kind never makes up a record', async () => {
    const directory = await temporaryDirectory()
    const payloads = numbered(12)
    const file = first(await writeJournal(directory, payloads))
    const whole = await readFile(file)
    const flip = fc.record({ at: fc.integer({ min: 0, max: whole.length - 1 }), bit: fc.integer({ min: 0, max: 7 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const bytes = Buffer.from(whole)
        for (const { at, bit } of flips) bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
        await writeFile(file, bytes)
        const found = await payloadsOf(journalReader(directory), 'w1')
        expect(found).toEqual(payloads.filter((payload) => found.includes(payload)))
        expect(found.length).toBeGreaterThanOrEqual(payloads.length - flips.length)
        await rm(path.join(directory, 'journal-rejected'), { recursive: true, force: true })
      }),
      { numRuns: 100 },
    )
  })
})

describe('freeing', () => {
  test('deletes the segments before a place, but those that must stay, and then the journal', async () => {
    const directory = await temporaryDirectory()
    const files = await writeJournal(directory, numbered(30), 60)
    const reader = journalReader(directory)
    expect(await reader.discover()).toEqual(['w1'])
    const before = await reader.bytesOnDisk()
    await reader.release('w1', 4, (segment) => segment === 2)
    expect(files.map((file) => existsSync(file)).slice(0, 4)).toEqual([false, true, false, true])
    expect(await reader.bytesOnDisk()).toBeLessThan(before)
    expect(await payloadsOf(reader, 'w1')).not.toEqual([])
    expect(await reader.lastWriteAt('w1')).toBe(Math.floor(statSync(files.at(-1) ?? '').mtimeMs))
    await reader.remove('w1')
    expect(await reader.discover()).toEqual([])
    expect(await reader.bytesOnDisk()).toBe(0)
    expect(await reader.lastWriteAt('w1')).toBe(null)
  })

  test('leaves alone what it does not know', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'journal', 'w1'), { recursive: true })
    writeFileSync(path.join(directory, 'journal', 'w1', 'notes.txt'), 'mine')
    writeFileSync(path.join(directory, 'journal', 'checkpoint.json'), '{}')
    const reader = journalReader(directory)
    expect(await reader.discover()).toEqual(['w1'])
    await reader.remove('w1')
    expect(existsSync(path.join(directory, 'journal', 'w1', 'notes.txt'))).toBe(true)
  })
})

describe('what is set aside', () => {
  test('is a bounded number of bounded files of lines; the oldest goes, which is told', async () => {
    const directory = await temporaryDirectory()
    let lost = 0
    const setAside = createSetAside({
      directory: path.join(directory, 'aside'),
      logger: silentLogger,
      maxFileBytes: 100,
      maxFiles: 3,
      onLost: () => {
        lost += 1
      },
    })
    for (let n = 0; n < 50; n += 1) await setAside.line({ n, reason: 'no such column' })
    const names = readdirSync(path.join(directory, 'aside')).sort()
    expect(names).toEqual(['rejected.15.jsonl', 'rejected.16.jsonl', 'rejected.jsonl'])
    expect(lost).toBe(14)
    for (const name of names) expect(statSync(path.join(directory, 'aside', name)).size).toBeLessThan(150)
    expect(await readFile(path.join(directory, 'aside', 'rejected.jsonl'), 'utf8')).toContain('{"n":49,')
    expect(statSync(path.join(directory, 'aside', 'rejected.jsonl')).mode & 0o777).toBe(0o600)
  })

  test('is refused where the disk refuses, and no half line is left', async ({ skip }) => {
    const directory = await temporaryDirectory()
    const aside = path.join(directory, 'aside')
    await mkdir(aside)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', aside], { stdio: 'ignore' })
    } catch {
      skip('mounting a small tmpfs takes root')
    }
    onTestFinished(() => void execFileSync('umount', ['-l', aside]))
    const setAside = createSetAside({ directory: aside, logger: silentLogger })
    await setAside.line({ n: 1 })
    await expect(setAside.line({ n: 2, text: 'x'.repeat(100_000) })).rejects.toThrow('ENOSPC')
    await setAside.line({ n: 3 })
    expect(await readFile(path.join(aside, 'rejected.jsonl'), 'utf8')).toBe('{"n":1}\n{"n":3}\n')
  })
})

import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { recordedExchange } from '../../../../test/support/recorded-exchange.ts'
import { openTestStore, testPriceBook } from '../../../../test/support/store.ts'
import type { ImportedExchange, RecordedExchange } from '../../../core/exchange.ts'
import { timeOfUuidv7 } from '../../../core/ids.ts'
import { encodeExport, type Store } from '../../../store/index.ts'
import type { ImportLedger } from '../import-counts.ts'
import { importCsv } from './import-csv.ts'
import { CsvFormatError } from './read-csv.ts'

// Real databases and sockets, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const now = Date.UTC(2026, 10, 23, 12)
const clock = { now: () => now, monotonic: () => 0 }
let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'signalbox-csv-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function csv(text: string | Buffer): string {
  const file = path.join(directory, 'history.csv')
  writeFileSync(file, text)
  return file
}

interface Kept extends ImportLedger {
  readonly rows: Map<string, ImportedExchange>
}

function memoryLedger(): Kept {
  const rows = new Map<string, ImportedExchange>()
  return {
    rows,
    async write(batch) {
      const before = rows.size
      for (const row of batch) if (!rows.has(row.id)) rows.set(row.id, row)
      return { inserted: rows.size - before, rejected: [] }
    },
  }
}

type More = Partial<Parameters<typeof importCsv>[0]>
const run = (file: string, ledger: ImportLedger, more: More = {}) =>
  importCsv({
    file,
    ledger,
    priceBook: testPriceBook(),
    clock,
    domain: 'import',
    map: {},
    skipInvalid: false,
    ignoreUnknown: false,
    ...more,
  })

async function importedRows(text: string, more: More = {}): Promise<ImportedExchange[]> {
  const ledger = memoryLedger()
  await run(csv(text), ledger, more)
  return [...ledger.rows.values()]
}

describe('a row', () => {
  test('needs its time and no more; the rest is that of a call that went well, priced as of its day', async () => {
    const [row] = await importedRows(
      'created_at,model,input_tokens,output_tokens\n2026-03-01T10:00:00Z,claude-sonnet-4-5,1000000,0\n',
    )
    expect(row).toMatchObject({
      openedAt: Date.UTC(2026, 2, 1, 10),
      domain: 'import',
      endpoint: 'messages',
      statusCode: 200,
      outcome: 'ok',
      durationMs: null,
      usage: { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null },
      priceSource: 'genai-prices',
    })
    expect(row?.costUsd).toBeGreaterThan(0)
    expect(timeOfUuidv7(row?.id ?? '')).toBe(row?.openedAt)
  })

  test('keeps an id of ours, and has one made of all it says where it has none or another', async () => {
    const ours = recordedExchange(now - 1_000).id
    const text = `id,created_at,model\n${ours},2026-11-23T11:59:59Z,a\n3d5a2e1c-7f6b-4c1d-8e2f-0a1b2c3d4e5f,2026-11-23T11:59:59Z,a\n,2026-11-23T11:59:59Z,a\n,2026-11-23T11:59:59Z,b\n`
    const first = await importedRows(text)
    expect(first.map((row) => row.id)[0]).toBe(ours)
    expect(new Set(first.map((row) => row.id)).size).toBe(4)
    expect((await importedRows(text)).map((row) => row.id)).toEqual(first.map((row) => row.id))
  })

  test('times may be written as databases write them; without a zone they are none', async () => {
    const times = [
      '2026-01-31T12:00:00.250Z',
      '2026-01-31 12:00:00.25+00',
      '2026-01-31 13:00:00.25+01:00',
      '2026-01-31 12:00:00.250 UTC',
    ]
    const rows = await importedRows(`created_at\n${times.join('\n')}\n`)
    expect(new Set(rows.map((row) => row.openedAt))).toEqual(new Set([Date.UTC(2026, 0, 31, 12, 0, 0, 250)]))
    const refused = await run(csv('created_at\n2026-01-31 12:00:00\n'), memoryLedger())
    expect(refused).toMatchObject({ refused: true, mistakes: [{ line: 2, column: 'created_at' }] })
  })

  test('columns of others are renamed by --map, and passed over only if asked to', async () => {
    const text = 'Time,engine,comment\n2026-01-31T12:00:00Z,claude-opus-4-1,hi\n'
    const map = { created_at: 'Time', model: 'engine' }
    expect(await importedRows(text, { map, ignoreUnknown: true })).toMatchObject([{ model: 'claude-opus-4-1' }])
    await expect(run(csv(text), memoryLedger(), { map })).rejects.toThrow(/the column "comment" is none of ours/)
  })

  test.each([
    ['', /no first line/],
    ['model\nx\n', /"created_at" is missing/],
    ['created_at,model,model\n', /"model" is there twice/],
    ['created_at,modle\n', /"modle" is none of ours/],
  ])('a first line %j is refused', async (text, words) => {
    const refusal = run(csv(text), memoryLedger())
    await expect(refusal).rejects.toThrow(words)
    await expect(refusal).rejects.toBeInstanceOf(CsvFormatError)
  })
})

describe('a file with mistakes', () => {
  const text = [
    'created_at,model,status_code,input_tokens,cost_usd,outcome,streaming,session_id,response_time_ms',
    '2026-01-31T12:00:00Z,a,200,1,0.5,ok,true,s,1.5',
    '2026-01-31T12:00:01Z,"two\r\nlines",99,1,0.5,ok,true,s,1',
    '2026-01-31T12:00:02Z,a,200,1.5,0.5,ok,true,s,1',
    '2026-01-31T12:00:03Z,a,200,1,0.1234567890,ok,true,s,1',
    '2026-01-31T12:00:04Z,a,200,1,0.5,fine,true,s,1',
    '2026-01-31T12:00:05Z,a,200,1,0.5,ok,yes,s,1',
    ',a,200,1,0.5,ok,true,s,1',
    '2019-01-31T12:00:00Z,a,200,1,0.5,ok,true,s,-1',
    `2026-01-31T12:00:06Z,a,200,1,0.5,ok,true,${'s'.repeat(301)},1`,
    '2026-01-31T12:00:07Z,a,200,1',
    '2026-01-31T12:00:08Z,a,200,1,0.5,ok,true,s,1,surplus',
    '',
    '2026-01-31T12:00:09Z,a,200,1,0.5,ok,true,s,1',
  ].join('\n')

  test('is not imported at all, and every mistake is told with its line', async () => {
    const ledger = memoryLedger()
    const done = await run(csv(text), ledger)
    expect(done).toMatchObject({ refused: true, rows: 12, invalid: 10, imported: 0 })
    expect(ledger.rows.size).toBe(0)
    expect(done.mistakes.map(({ line, column }) => [line, column])).toEqual([
      [3, 'status_code'],
      [5, 'input_tokens'],
      [6, 'cost_usd'],
      [7, 'outcome'],
      [8, 'streaming'],
      [9, 'created_at'],
      [10, 'created_at'],
      [10, 'response_time_ms'],
      [11, 'session_id'],
      [12, null],
      [13, null],
    ])
  })

  test('is imported without its wrong rows when asked to', async () => {
    const ledger = memoryLedger()
    expect(await run(csv(text), ledger, { skipInvalid: true })).toMatchObject({
      refused: false,
      invalid: 10,
      imported: 2,
    })
    expect([...ledger.rows.values()].map((row) => row.openedAt % 60_000)).toEqual([0, 9_000])
  })

  test('tells only the first of very many', async () => {
    const done = await run(csv(`created_at\n${'nonsense\n'.repeat(5_000)}`), memoryLedger())
    expect(done).toMatchObject({ invalid: 5_000, refused: true })
    expect(done.mistakes).toHaveLength(20)
  })

  test.each([
    [
      'a quote that is never closed',
      'created_at,model\n2026-01-31T12:00:00Z,a\n2026-01-31T12:00:00Z,"b\n',
      /never closed/,
    ],
    [
      'a row without an end',
      `created_at,model\n2026-01-31T12:00:00Z,a\n2026-01-31T12:00:00Z,${'x'.repeat(2_000_000)}`,
      /longer than/,
    ],
  ])('%s ends the reading, and the words are ours', async (_name, broken, words) => {
    const done = await run(csv(broken), memoryLedger())
    expect(done).toMatchObject({ refused: true, rows: 1, invalid: 1, mistakes: [{ line: 3 }] })
    expect(done.mistakes[0]?.message).toMatch(words)
  })

  test('bytes that are no UTF-8 are replaced, and a byte order mark is no part of a name', async () => {
    const file = csv(
      Buffer.concat([Buffer.from('\ufeffcreated_at,model\n2026-01-31T12:00:00Z,a'), Buffer.from([0xff, 0x0a])]),
    )
    const ledger = memoryLedger()
    await run(file, ledger)
    expect([...ledger.rows.values()][0]?.model).toBe('a\ufffd')
  })
})

describe('what was exported', () => {
  async function exportTo(store: Store, source: 'wire' | 'import'): Promise<{ file: string; rows: object[] }> {
    const question = { from: now - 400 * 86_400_000, to: now + 1, source, filter: {} }
    const file = path.join(directory, `${source}-${Math.random()}.csv`)
    await pipeline(Readable.from(encodeExport('csv', store.exportRows(question))), createWriteStream(file))
    const rows = []
    for await (const page of store.exportRows(question)) rows.push(...page)
    return { file, rows }
  }

  /** Texts with everything that quoting, spreadsheets and databases have ever tripped over. */
  const text = fc.oneof(
    fc.constantFrom(
      '=1+1',
      "'=1",
      "''",
      '-',
      '+',
      '@x',
      '\tx',
      '\r',
      'a,b',
      'a"b',
      '""',
      'x\r\ny',
      ' ',
      'NULL',
      '日本 🚦',
      '\\N',
    ),
    fc.string({ unit: 'grapheme', maxLength: 40 }).map((one) => one.replaceAll('\0', '')),
  )
  const exchange: fc.Arbitrary<RecordedExchange> = fc
    .record({
      openedAt: fc.integer({ min: now - 300 * 86_400_000, max: now }),
      domain: text,
      account: fc.option(text),
      keyId: fc.option(text),
      provider: fc.option(text),
      model: fc.option(text),
      path: text,
      errorMessage: fc.option(text),
      stopReason: fc.option(text),
      sessionId: fc.option(text),
      agentId: fc.option(text),
      upstreamRequestId: fc.option(text),
      streaming: fc.boolean(),
      statusCode: fc.integer({ min: 100, max: 599 }),
      upstreamStatus: fc.option(fc.integer({ min: 100, max: 599 })),
      durationMs: fc.integer({ min: 0, max: 600_000_000 }).map((us) => us / 1_000),
      ttftMs: fc.option(fc.integer({ min: 0, max: 600_000_000 }).map((us) => us / 1_000)),
      costUsd: fc.integer({ min: 0, max: 900_000_000_000_000 }).map((nanos) => nanos / 1e9),
      usageFlags: fc.array(fc.constantFrom('no_split', 'transcript'), { maxLength: 2 }),
      routing: fc.option(
        fc.record({
          rule: text,
          target: fc.option(text),
          tried: fc.array(fc.constantFrom('openai/gpt-5:503', 'ollama/qwen3:8b:connect'), { maxLength: 16 }),
          movedFrom: fc.option(text),
          notes: fc.array(fc.stringMatching(/^(dropped|converted):[a-z_.]{1,90}$/), { maxLength: 24 }),
        }),
      ),
      serverToolUse: fc.option(fc.record({ webSearchRequests: fc.nat(9), webFetchRequests: fc.nat(9) })),
      usage: fc.record({
        input: fc.nat(1e9),
        output: fc.nat(1e9),
        cacheRead: fc.nat(1e9),
        cacheWrite5m: fc.nat(1e9),
        cacheWrite1h: fc.nat(1e9),
        reasoning: fc.option(fc.nat(1e9)),
      }),
    })
    .map(({ openedAt, ...rest }) => recordedExchange(openedAt, rest))

  test('is the same when it is imported elsewhere, but for its source; and a second time it is nothing new', {
    timeout: 120_000,
  }, async () => {
    const [from, to] = [await openTestStore(), await openTestStore()]
    const given = fc.sample(exchange, 300)
    expect(await from.writeExchanges(given)).toEqual({ inserted: 300, rejected: [] })
    const { file, rows } = await exportTo(from, 'wire')
    const ledger: ImportLedger = { write: to.imports.write }
    expect(await run(file, ledger)).toMatchObject({ rows: 300, imported: 300, invalid: 0, mistakes: [] })
    const copy = await exportTo(to, 'import')
    expect(copy.rows).toEqual(rows.map((row) => ({ ...row, source: 'import' })))
    expect(await run(copy.file, ledger)).toMatchObject({ imported: 0, alreadyThere: 300 })
    expect(await run(file, { write: from.imports.write })).toMatchObject({ imported: 0, alreadyThere: 300 })
  })

  test('any row of the ledger passes the check of an import', async () => {
    const store = await openTestStore()
    await fc.assert(
      fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 20 }), async (given) => {
        await store.writeExchanges(given)
        const { file } = await exportTo(store, 'wire')
        expect(await run(file, memoryLedger())).toMatchObject({ invalid: 0, mistakes: [] })
      }),
      { numRuns: 10 },
    )
  })
})

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { recordedExchange } from '../../../../test/support/recorded-exchange.ts'
import { openTestStore, testPriceBook } from '../../../../test/support/store.ts'
import { systemClock } from '../../../core/clock.ts'
import type { ImportedExchange } from '../../../core/exchange.ts'
import { timeOfUuidv7 } from '../../../core/ids.ts'
import { silentLogger } from '../../../core/logger.ts'
import { openStore, type Store, storeConfigSchema } from '../../../store/index.ts'
import type { ImportLedger } from '../import-counts.ts'
import { importClaudeCode } from './import-claude-code.ts'
import { mergeUsage } from './merge-parts.ts'
import { projectName } from './transcript-files.ts'

// Real databases and sockets, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const now = Date.UTC(2026, 10, 23, 12)
const noon = Date.UTC(2026, 9, 1, 12)
const clock = { now: () => now, monotonic: () => 0 }
let root: string

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'signalbox-transcripts-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Writes a transcript; what is no text becomes a line of JSON. */
function transcript(name: string, lines: readonly (string | Buffer | object)[], folder = '-home-me-shop'): string {
  const file = path.join(root, 'projects', folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  const bytes = lines.map((line) =>
    Buffer.isBuffer(line) ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)),
  )
  writeFileSync(file, Buffer.concat(bytes.flatMap((line) => [line, Buffer.from('\n')])))
  return file
}

/** A line as Claude Code 2.1 writes it. */
function assistant(id: string, more: { at?: number; usage?: object; message?: object; line?: object } = {}): object {
  return {
    parentUuid: null,
    isSidechain: false,
    cwd: '/home/me/shop',
    sessionId: 'session-1',
    version: '2.1.330',
    type: 'assistant',
    uuid: `${id}-line`,
    requestId: `req_${id}`,
    timestamp: new Date(more.at ?? noon).toISOString(),
    message: {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5-20250929',
      content: [{ type: 'text', text: 'the secret plan' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 300,
        cache_read_input_tokens: 2_000,
        cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
        output_tokens: 50,
        service_tier: 'standard',
        ...more.usage,
      },
      ...more.message,
    },
    ...more.line,
  }
}

/** Keeps what is written; for tests that are not about the database. */
function memoryLedger(): ImportLedger & { readonly rows: Map<string, ImportedExchange> } {
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

const run = (ledger: ImportLedger, more: { domain?: string; signal?: AbortSignal; directory?: string } = {}) =>
  importClaudeCode({ directory: root, ledger, priceBook: testPriceBook(), clock, ...more })

async function imported(): Promise<ImportedExchange[]> {
  const ledger = memoryLedger()
  await run(ledger)
  return [...ledger.rows.values()]
}

describe('what a message becomes', () => {
  test('its ids, model, counts, time and price of its day, and nothing that was said', async () => {
    transcript('a.jsonl', [assistant('1')])
    const [row] = await imported()
    expect(row).toMatchObject({
      openedAt: noon,
      domain: 'shop',
      provider: 'anthropic',
      model: 'claude-sonnet-4-5-20250929',
      sessionId: 'session-1',
      agentId: null,
      upstreamRequestId: 'req_1',
      usage: { input: 10, output: 50, cacheRead: 2_000, cacheWrite5m: 200, cacheWrite1h: 100, reasoning: null },
      usageSource: 'reported',
      usageFlags: ['transcript'],
      stopReason: 'end_turn',
      durationMs: null,
      overheadMs: null,
      // 10 × $3 + 50 × $15 + 2,000 × $0.30 + 200 × $3.75 + 100 × $6, by the million.
      costUsd: 0.00273,
      priceSource: 'genai-prices',
    })
    expect(timeOfUuidv7(row?.id ?? '')).toBe(noon)
    expect(JSON.stringify(row)).not.toContain('secret')
  })

  test('of its lines the best counts are taken, none is added up', async () => {
    const early = { output_tokens: 1, cache_creation_input_tokens: 300 }
    transcript('a.jsonl', [
      assistant('1', { at: noon + 40, usage: early, message: { stop_reason: null } }),
      assistant('1', { at: noon + 50, usage: { output_tokens: 734, output_tokens_details: { thinking_tokens: 90 } } }),
      assistant('1', { at: noon + 60, usage: { output_tokens: 2 }, message: { stop_reason: null } }),
    ])
    const rows = await imported()
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      openedAt: noon + 40,
      usage: { output: 734, input: 10, cacheRead: 2_000, reasoning: 90 },
      stopReason: 'end_turn',
      usageSource: 'reported',
    })
  })

  test('one whose end nobody wrote down is flagged as the placeholder that it may be', async () => {
    transcript('a.jsonl', [assistant('1', { usage: { output_tokens: 1 }, message: { stop_reason: null } })])
    const [row] = await imported()
    expect(row).toMatchObject({ usageSource: 'partial', usageFlags: ['transcript', 'output_placeholder'] })
  })

  test('sub-agents are told by the line, or by the name of their file', async () => {
    transcript('session-1/subagents/agent-a1b2c3.jsonl', [assistant('1', { line: { isSidechain: true } })])
    transcript('a.jsonl', [assistant('2', { line: { isSidechain: true, agentId: 'ffff' } })])
    const rows = await imported()
    expect(rows.map((row) => row.agentId).sort()).toEqual(['a1b2c3', 'ffff'])
    expect(rows.every((row) => row.domain === 'shop')).toBe(true)
  })

  test('the domain is the project, its folder where nothing tells its name, or what the caller says', async () => {
    transcript('a.jsonl', [assistant('1')])
    transcript('b.jsonl', [assistant('2', { line: { cwd: '/elsewhere' } })], '-srv-tool')
    expect((await imported()).map((row) => row.domain).sort()).toEqual(['-srv-tool', 'shop'])
    const ledger = memoryLedger()
    await run(ledger, { domain: 'me' })
    expect([...ledger.rows.values()].map((row) => row.domain)).toEqual(['me', 'me'])
  })

  test.each([
    ['-home-me-my-app', '/home/me/my.app', 'my.app'],
    ['C--code-shop', 'C:\\code\\shop', 'shop'],
    ['-home-me-shop', '/home/me/shop/src', null],
    ['-home-me-shop', null, null],
  ])('a project in %s with %s is %s', (folder, directory, name) => expect(projectName(folder, directory)).toBe(name))

  test('counts grow, words are replaced, null keeps what is known', () => {
    expect(
      mergeUsage(
        { output_tokens: 9, speed: 'standard', cache_creation: { a: 1 } },
        { output_tokens: 3, speed: null, cache_creation: { a: 5 }, service_tier: 'priority' },
      ),
    ).toEqual({ output_tokens: 9, speed: 'standard', cache_creation: { a: 5 }, service_tier: 'priority' })
  })
})

describe('what is no call', () => {
  test('lines of the program itself, errors, and lines without usage, id or time are counted by reason', async () => {
    transcript('a.jsonl', [
      { type: 'user', message: { role: 'user', content: 'hello' } },
      assistant('s', { message: { model: '<synthetic>' } }),
      assistant('e', { line: { isApiErrorMessage: true }, message: { model: '<synthetic>' } }),
      assistant('z', {
        usage: {
          input_tokens: 0,
          output_tokens: 0,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          cache_creation: null,
        },
      }),
      assistant('i', { message: { id: undefined } }),
      assistant('t', { line: { timestamp: 'yesterday' } }),
      assistant('old', { at: Date.UTC(1999, 0, 1) }),
      assistant('1'),
    ])
    const ledger = memoryLedger()
    const done = await run(ledger)
    expect(done).toMatchObject({ messages: 1, imported: 1, brokenLines: 0 })
    expect(done.skipped).toEqual({ synthetic: 1, api_error: 1, no_usage: 1, no_id: 1, no_time: 2, unfinished: 0 })
  })

  test('a message that is still being written waits for the next import', async () => {
    transcript('a.jsonl', [assistant('1', { at: now - 1_000, message: { stop_reason: null } })])
    const ledger = memoryLedger()
    expect(await run(ledger)).toMatchObject({ imported: 0, skipped: { unfinished: 1 } })
    transcript('a.jsonl', [
      assistant('1', { at: now - 1_000, message: { stop_reason: null } }),
      assistant('1', { at: now - 500 }),
    ])
    expect(await run(ledger)).toMatchObject({ imported: 1, skipped: { unfinished: 0 } })
  })
})

describe('hostile transcripts', () => {
  test('torn lines, bytes that are no text, and lines beyond all measure cost only themselves', async () => {
    const huge = Buffer.alloc(17 * 1024 * 1024, 0x61)
    huge.write('{"usage":"', 0)
    const picture = JSON.stringify({ type: 'user', message: { content: 'A'.repeat(3_000_000) } })
    transcript('a.jsonl', [
      JSON.stringify(assistant('torn')).slice(0, -40),
      Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
      '{"usage": broken}',
      '',
      '\r',
      huge,
      picture,
      Buffer.concat([
        Buffer.from(JSON.stringify(assistant('1')).slice(0, -1)),
        Buffer.from(',"x":"\xff\xc3"}', 'latin1'),
      ]),
      `${JSON.stringify(assistant('2'))}\r`,
    ])
    const ledger = memoryLedger()
    const done = await run(ledger)
    expect(done).toMatchObject({ imported: 2, brokenLines: 3, tooLongLines: 1 })
  })

  test('a last line without its end counts when it is whole, and is broken when it is not', async () => {
    const file = transcript('a.jsonl', [])
    writeFileSync(file, `${JSON.stringify(assistant('1'))}\n${JSON.stringify(assistant('2'))}`)
    expect(await run(memoryLedger())).toMatchObject({ imported: 2, brokenLines: 0 })
    writeFileSync(file, `${JSON.stringify(assistant('1'))}\n${JSON.stringify(assistant('2')).slice(0, -1)}`)
    expect(await run(memoryLedger())).toMatchObject({ imported: 1, brokenLines: 1 })
  })

  test('links are not followed, so that a circle of them has an end', async () => {
    transcript('a.jsonl', [assistant('1')])
    symlinkSync(path.join(root, 'projects'), path.join(root, 'projects', '-home-me-shop', 'loop'))
    symlinkSync('/etc/passwd', path.join(root, 'projects', 'x.jsonl'))
    symlinkSync(path.join(root, 'nowhere'), path.join(root, 'projects', 'gone.jsonl'))
    expect(await run(memoryLedger())).toMatchObject({ files: 1, imported: 1, links: 3 })
  })

  test('the directory itself may be a link, or that of the projects, or of one project', async () => {
    transcript('a.jsonl', [assistant('1')])
    const link = `${root}-link`
    symlinkSync(root, link)
    try {
      for (const directory of [link, path.join(root, 'projects'), path.join(root, 'projects', '-home-me-shop')]) {
        const ledger = memoryLedger()
        expect(await run(ledger, { directory })).toMatchObject({ imported: 1 })
        expect([...ledger.rows.values()][0]?.domain).toBe('shop')
      }
    } finally {
      rmSync(link)
    }
  })

  test.skipIf(process.getuid?.() === 0)('what may not be read is told, and the rest is imported', async () => {
    transcript('a.jsonl', [assistant('1')])
    chmodSync(transcript('b.jsonl', [assistant('2')]), 0)
    expect(await run(memoryLedger())).toMatchObject({ imported: 1, unreadable: ['b.jsonl'], unreadableTotal: 1 })
  })
})

describe('the same call, however often it is written down', () => {
  test('a forked conversation has the messages of its original, which are imported once, in its session', async () => {
    const original = transcript('z-original.jsonl', [assistant('1'), assistant('2')])
    utimesSync(original, new Date(noon), new Date(noon))
    const copied = { sessionId: 'session-fork' }
    transcript('a-fork.jsonl', [
      assistant('1', { line: copied }),
      assistant('2', { line: copied }),
      assistant('3', { line: copied }),
    ])
    const ledger = memoryLedger()
    expect(await run(ledger)).toMatchObject({ messages: 3, imported: 3, repeated: 2 })
    const sessions = Object.fromEntries([...ledger.rows.values()].map((row) => [row.upstreamRequestId, row.sessionId]))
    expect(sessions).toEqual({ req_1: 'session-1', req_2: 'session-1', req_3: 'session-fork' })
  })

  test('thousands of open messages are bounded, and each is imported once', async () => {
    const lines = Array.from({ length: 9_000 }, (_, i) => assistant(`${i}`, { at: noon + i }))
    transcript('a.jsonl', [...lines, ...lines])
    expect(await run(memoryLedger())).toMatchObject({ messages: 9_000, imported: 9_000, repeated: 9_000 })
  })

  test('an import that is interrupted goes on where it was, on the real ledger', async () => {
    const store = await openTestStore()
    const lines = Array.from({ length: 1_700 }, (_, i) => assistant(`${i}`, { at: noon + i * 60_000 }))
    transcript('a.jsonl', lines)
    const stop = new AbortController()
    const ledger: ImportLedger = {
      knownCalls: store.imports.knownCalls,
      async write(batch) {
        const written = await store.imports.write(batch)
        stop.abort(new Error('enough'))
        return written
      },
    }
    await expect(run(ledger, { signal: stop.signal })).rejects.toThrow('enough')
    const again = await run(store.imports)
    expect(again).toMatchObject({ imported: 1_200, alreadyThere: 500, measured: 0 })
    expect(await run(store.imports)).toMatchObject({ imported: 0, alreadyThere: 1_700 })

    const range = { from: noon - 1, to: now, domain: null }
    expect((await store.queries.stats(range)).total.requests).toBe(0)
    const history = await store.queries.stats({ ...range, source: 'import' })
    expect(history.total).toMatchObject({ requests: 1_700, tokens: { output: 85_000, cacheRead: 3_400_000 } })
    expect(history.total.costUsd).toBeCloseTo(1_700 * 0.00273, 9)
  })

  test('a call that was measured on the wire is not imported, even hours of other calls apart', async () => {
    const store = await openTestStore()
    await store.writeExchanges([
      recordedExchange(noon - 90_000, { upstreamRequestId: 'req_1' }),
      recordedExchange(noon + 7_200_000, { upstreamRequestId: 'req_2' }),
      recordedExchange(noon - 86_400_000, { upstreamRequestId: 'req_3' }), // another day: not the same call
    ])
    transcript('a.jsonl', [
      assistant('1'),
      assistant('2', { at: noon + 7_201_000 }),
      assistant('3', { at: noon + 100 }),
      assistant('4', { at: noon + 200, line: { requestId: undefined } }),
    ])
    expect(await run(store.imports)).toMatchObject({ messages: 4, measured: 2, imported: 2, alreadyThere: 0 })
    expect(await run(store.imports)).toMatchObject({ messages: 4, measured: 2, imported: 0, alreadyThere: 2 })
  })

  test('old history lies in partitions of its own months', async () => {
    const store = await openTestStore()
    transcript('a.jsonl', [assistant('1', { at: Date.UTC(2025, 2, 9) }), assistant('2', { at: Date.UTC(2025, 3, 9) })])
    await run(store.imports)
    const rows = []
    for await (const page of store.exportRows({ from: 0, to: now, source: 'import', filter: {} })) rows.push(...page)
    expect(rows).toHaveLength(2)
    expect(await defaultRows(store.connectionUrl())).toBe(0)
  })

  test('days whose rows have left the ledger are not counted a second time', async () => {
    const store = await openTestStore()
    transcript('a.jsonl', [
      assistant('1', { at: Date.UTC(2025, 2, 9, 5) }),
      assistant('2', { at: Date.UTC(2025, 2, 9, 18) }),
      assistant('3', { at: Date.UTC(2025, 3, 9) }),
    ])
    expect(await run(store.imports)).toMatchObject({ imported: 3 })
    await asOwner(store.connectionUrl(), 'drop table api_requests_2025_03')
    const later = await openAgain(store)
    transcript('b.jsonl', [assistant('4', { at: Date.UTC(2025, 2, 10) })])
    const again = await run(later)
    expect(again).toMatchObject({ imported: 1, alreadyThere: 1, rejected: 2 })
    expect(again.rejectedReasons).toEqual(['of days whose rows retention has let go'])
    const range = { from: Date.UTC(2025, 0), to: now, account: null, aggregate: true, source: 'import' } as const
    const days = (await store.queries.dailyUsage(range)).rows.filter((day) => day.requests > 0)
    expect(days.map(({ date, requests }) => [date, requests])).toEqual([
      ['2025-04-09', 1],
      ['2025-03-10', 1],
      ['2025-03-09', 2],
    ])
  })
})

/** The store as the next run of a command finds it: what it has looked at before is forgotten. */
async function openAgain(store: Store): Promise<ImportLedger> {
  const again = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: store.connectionUrl() }),
    dataDir: '/nonexistent',
    clock: systemClock,
    logger: silentLogger,
  })
  onTestFinished(() => again.close())
  await again.ready
  return again.imports
}

const defaultRows = async (url: string): Promise<number> =>
  (await asOwner(url, 'select count(*)::int as n from api_requests_default'))[0]?.n

// biome-ignore lint/suspicious/noExplicitAny: rows of whatever a test asks for.
async function asOwner(url: string, statement: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parse } from 'csv-parse/sync'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { openTestStore } from '../../../test/support/store.ts'
import type { Store } from '../store.ts'
import { type ExportRow, exportColumns } from './columns.ts'
import { restored } from './csv.ts'
import { type ExportFormatName, encodeExport } from './formats.ts'
import { unscaled } from './parquet.ts'

// Real databases and sockets, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const noon = Date.UTC(2026, 10, 20, 12)
const dayMs = 86_400_000
const everything = { from: noon - 90 * dayMs, to: noon + 90 * dayMs, filter: {} }

async function bytesOf(format: ExportFormatName, pages: AsyncIterable<readonly ExportRow[]>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of encodeExport(format, pages)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

const textOf = async (store: Store, format: ExportFormatName): Promise<string> =>
  (await bytesOf(format, store.exportRows(everything))).toString()

async function asOwner<T>(store: Store, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: store.connectionUrl() })
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.end()
  }
}

/** Rows straight into the ledger: an export reads no rollups. */
const seed = (store: Store, rows: number, stepMs: number) =>
  asOwner(store, (client) =>
    client.query(
      `insert into api_requests (id, created_at, response_time_ms, overhead_ms, input_tokens, output_tokens,
         cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, request_bytes, response_bytes, status_code,
         attempts, streaming, failed_after_first_byte, cost_usd, domain, endpoint, method, path, outcome, price_source,
         usage_source, source, model, session_id, error_message)
       select gen_random_uuid(), to_timestamp($1 + n / 3 * $3 / 1000.0), 1200.125, 0.5, n, 2, 3, 4, 5, 6, 7, 200, 1, true,
         false, 0.000000001 * n, case when n % 1000 = 0 then 'rare' else 'web' end, 'messages', 'POST', '/v1/messages', 'ok',
         'genai-prices', 'reported', 'wire', 'claude-sonnet-4-5', 'session-' || n % 50, repeat('x', 100)
       from generate_series(0, $2 - 1) as n`,
      [noon / 1000, rows, stepMs],
    ),
  )

test('an export has every column of the ledger', async () => {
  const store = await openTestStore()
  const { rows } = await asOwner(store, (client) =>
    client.query(`select column_name as name, is_nullable = 'YES' as nullable from information_schema.columns
                  where table_name = 'api_requests'`),
  )
  const sorted = (columns: readonly { name: string; nullable: boolean }[]) =>
    columns.map(({ name, nullable }) => ({ name, nullable })).sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(sorted(exportColumns)).toEqual(sorted(rows))
})

describe('rows', () => {
  test('every row once, oldest first, whatever shares a moment and however the range is cut', async () => {
    const store = await openTestStore()
    // Three rows to a moment, pages that end within one, and stretches of many days without any.
    await seed(store, 4_000, 60_000)
    await store.writeExchanges([recordedExchange(noon - 80 * dayMs), recordedExchange(noon + 80 * dayMs)])
    const seen: string[] = []
    let last = ''
    for await (const page of store.exportRows(everything)) {
      expect(page.length).toBeLessThanOrEqual(1_000)
      for (const row of page) {
        const place = `${row.created_at instanceof Date ? row.created_at.toISOString() : ''} ${String(row.id)}`
        expect(place > last).toBe(true)
        last = place
        seen.push(String(row.id))
      }
    }
    expect(new Set(seen).size).toBe(4_002)
    expect(seen).toHaveLength(4_002)
  })

  test('of a source and a filter only', async () => {
    const store = await openTestStore()
    await seed(store, 3_000, 1_000)
    await store.imports.write([recordedExchange(noon, { domain: 'history' })])
    const count = async (more: object): Promise<number> => {
      let rows = 0
      for await (const page of store.exportRows({ ...everything, ...more })) rows += page.length
      return rows
    }
    expect(await count({})).toBe(3_000)
    expect(await count({ source: 'import' })).toBe(1)
    expect(await count({ source: 'all' })).toBe(3_001)
    expect(await count({ filter: { domain: 'rare' } })).toBe(3)
    expect(await count({ filter: { sessionId: 'session-7' } })).toBe(60)
    expect(await count({ filter: { outcome: 'cancelled' } })).toBe(0)
    expect(await count({ from: noon + 10_000, to: noon + 20_000 })).toBe(30)
  })

  test('a hundred thousand rows leave in memory that does not grow with them', {
    timeout: 180_000,
  }, async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const store = await openTestStore()
    await seed(store, 100_000, 1_000)
    for (const format of ['csv', 'jsonl', 'parquet'] as const) {
      let rows = 0
      let bytes = 0
      let most = 0
      collect()
      const before = process.memoryUsage()
      const held = (): number => {
        collect()
        const now = process.memoryUsage()
        return now.heapUsed + now.arrayBuffers - before.heapUsed - before.arrayBuffers
      }
      let pieces = 0
      const counted = encodeExport(format, store.exportRows(everything), (more) => {
        rows += more
      })
      for await (const piece of counted) {
        bytes += piece.length
        pieces += 1
        if (pieces % 20 === 0) most = Math.max(most, held())
      }
      expect(rows).toBe(100_000)
      expect(bytes).toBeGreaterThan(format === 'parquet' ? 1_000_000 : 30_000_000)
      expect(most).toBeLessThan(24 * 1024 * 1024)
    }
  })
})

describe('formats', () => {
  const awkward = recordedExchange(noon, {
    domain: '=HYPERLINK("http://evil.example","click")',
    errorMessage: 'a "quote", a comma,\r\nand a line',
    path: '-1+1',
    sessionId: "'=already",
    agentId: '',
    model: '@SUM(A1)',
    requestedModel: '+plus',
    usageFlags: ['one', 'two'],
    costUsd: 1234.000000007,
    usage: { input: 9_007_199_254, output: 20, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null },
  })

  test('CSV is quoted as RFC 4180 has it, tells nothing from empty, and runs in no spreadsheet', async () => {
    const store = await openTestStore()
    await store.writeExchanges([awkward])
    const text = await textOf(store, 'csv')
    const lines = text.split('\r\n')
    expect(lines[0]).toBe(exportColumns.map(({ name }) => name).join(','))
    expect(text.endsWith('\r\n')).toBe(true)
    const [row] = parse<Record<string, string>>(text, { columns: true })
    expect(row).toMatchObject({
      created_at: '2026-11-20T12:00:00.000Z',
      domain: `'=HYPERLINK("http://evil.example","click")`,
      error_message: 'a "quote", a comma,\r\nand a line',
      path: "'-1+1",
      session_id: "''=already",
      model: "'@SUM(A1)",
      requested_model: "'+plus",
      usage_flags: 'one two',
      cost_usd: '1234.000000007',
      input_tokens: '9007199254',
      reasoning_tokens: '',
    })
    expect(text).toContain(`,"",`) // the agent's name: an empty text, and not nothing
    for (const name of ['domain', 'path', 'session_id', 'model', 'requested_model'] as const)
      expect(restored(row?.[name] ?? '')).not.toBe(row?.[name])
    expect(restored(row?.session_id ?? '')).toBe("'=already")
  })

  test('JSON has every column, lists as lists, and money as its digits', async () => {
    const store = await openTestStore()
    await store.writeExchanges([awkward, recordedExchange(noon + 1)])
    const whole = JSON.parse(await textOf(store, 'json')) as Record<string, unknown>[]
    const lines = (await textOf(store, 'jsonl')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(whole)
    expect(Object.keys(whole[0] ?? {})).toEqual(exportColumns.map(({ name }) => name))
    expect(whole[0]).toMatchObject({
      id: awkward.id,
      created_at: '2026-11-20T12:00:00.000Z',
      domain: awkward.domain,
      cost_usd: '1234.000000007',
      usage_flags: ['one', 'two'],
      reasoning_tokens: null,
      response_time_ms: 1200.125,
      source: 'wire',
    })
  })

  test('Parquet is read back as it was, money exact, in groups of bounded size', async () => {
    const store = await openTestStore()
    await seed(store, 11_000, 1_000)
    await store.writeExchanges([{ ...awkward, openedAt: noon - 1 }])
    const bytes = await bytesOf('parquet', store.exportRows(everything))
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    const metadata = parquetMetadata(file)
    expect(metadata.num_rows).toBe(11_001n)
    expect(metadata.row_groups.map((group) => group.num_rows)).toEqual([2_000n, 2_000n, 2_000n, 2_000n, 2_000n, 1_001n])
    const columns = metadata.schema.slice(1).map(({ name, repetition_type }) => [name, repetition_type])
    expect(columns).toEqual(exportColumns.map(({ name, nullable }) => [name, nullable ? 'OPTIONAL' : 'REQUIRED']))
    const rows = await parquetReadObjects({ file })
    expect(rows[0]).toMatchObject({
      id: awkward.id,
      created_at: new Date(noon - 1),
      domain: awkward.domain,
      input_tokens: 9_007_199_254n,
      usage_flags: 'one two',
      agent_id: '',
      streaming: true,
    })
    expect(rows[0]?.reasoning_tokens ?? null).toBeNull()
    const jsonl: Record<string, unknown>[] = (await textOf(store, 'jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map((row) => row.id)).toEqual(jsonl.map((row) => row.id))
    // The reader makes a double of it; in the file it is a whole number of billionths.
    expect(rows.map((row) => Math.round(Number(row.cost_usd) * 1e9))).toEqual(
      jsonl.map((row) => Number(unscaled(String(row.cost_usd)))),
    )
  })

  test('without a row each is still a file of its kind', async () => {
    const store = await openTestStore()
    expect(await textOf(store, 'csv')).toBe(`${exportColumns.map(({ name }) => name).join(',')}\r\n`)
    expect(JSON.parse(await textOf(store, 'json'))).toEqual([])
    expect(await textOf(store, 'jsonl')).toBe('')
    const bytes = await bytesOf('parquet', store.exportRows(everything))
    expect(
      parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer)
        .num_rows,
    ).toBe(0n)
  })

  test.each([
    ['0.000000001', 1n],
    ['12.5', 12_500_000_000n],
    ['999999999.999999999', 999_999_999_999_999_999n],
    ['7', 7_000_000_000n],
  ])('%s is %s billionths', (digits, billionths) => expect(unscaled(digits)).toBe(billionths))
})

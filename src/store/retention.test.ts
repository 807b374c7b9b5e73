import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { retentionSchema } from './config.ts'
import { connectionConfig } from './drivers/server.ts'
import { ensurePartitionsOver, listPartitions } from './partitions.ts'
import { dropExpired, expiredPartitions, keptFor } from './retention.ts'
import { createNamedSql } from './run-named.ts'
import { timeTables } from './time-tables.ts'
import { createWriteExchanges } from './writers/write-exchanges.ts'

let database: TestDatabase
let pool: pg.Pool
let write: ReturnType<typeof createWriteExchanges>

const dayMs = 86_400_000
const now = Date.UTC(2026, 10, 23, 12)
const retention = (days: Record<string, number>) =>
  retentionSchema.parse({ rawDays: 0, minuteDays: 0, hourDays: 0, dayDays: 0, rateLimitDays: 0, ...days })

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ ...connectionConfig(database.url, 'test'), max: 6 })
  const sql = createNamedSql({
    pool,
    clock: systemClock,
    logger: silentLogger,
    slowQueryThresholdMs: 60_000,
    onQuery: () => undefined,
    isReady: () => true,
  })
  write = createWriteExchanges(sql)
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

beforeEach(async () => {
  await pool.query(
    `truncate ${timeTables()
      .map((table) => table.name)
      .join(', ')}`,
  )
})

const drop = (kept: Record<string, number>, signal = new AbortController().signal) => {
  const dropped: string[] = []
  const onDropped = ({ name }: { readonly name: string }) => void dropped.push(name)
  const done = dropExpired({ pool, retention: retention(kept), rawUnit: 'month', now, signal, onDropped })
  return done.then((counts) => ({ counts, dropped }))
}

/** A call every 16 hours of the last 400 days; most of them are older than any partition made ahead. */
const history = () =>
  Array.from({ length: 600 }, (_, i) =>
    recordedExchange(now - i * 16 * 3_600_000, {
      domain: `d${i % 3}`,
      rateLimitHeaders: { 'anthropic-ratelimit-requests-remaining': String(i) },
    }),
  )

const totals = async (table: string, column: string, from: string) =>
  (
    await pool.query(
      `select ${table === 'api_requests' ? 'count(*)' : 'coalesce(sum(requests), 0)'} as requests,
         coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(cost_usd), 0) as cost
       from ${table} where ${column} >= $1`,
      [from],
    )
  ).rows[0]

test('rows leave by whole partitions, each kind in its own time, and what is left still adds up', async () => {
  await write(history())
  const { counts, dropped } = await drop({ rawDays: 60, minuteDays: 30, hourDays: 200, rateLimitDays: 90 })
  expect(counts.partitions_dropped).toBe(dropped.length)
  expect(counts.bytes_freed).toBeGreaterThan(0)
  expect(dropped).toContain('api_requests_2026_08')
  expect(dropped).not.toContain('api_requests_2026_09')
  expect(dropped.some((name) => name.startsWith('rollup_day'))).toBe(false)

  // The oldest day that each kind still holds: the first of the month in which its time ends.
  const oldest = async (table: string, column: string) =>
    (await pool.query(`select to_char(min(${column}) at time zone 'UTC', 'YYYY-MM') as month from ${table}`)).rows[0]
      .month
  expect(await oldest('api_requests', 'created_at')).toBe('2026-09')
  expect(await oldest('rollup_minute', 'bucket')).toBe('2026-10')
  expect(await oldest('latency_minute', 'bucket')).toBe('2026-10')
  expect(await oldest('rollup_hour', 'bucket')).toBe('2026-05')
  expect(await oldest('rate_limit_samples', 'slot_start')).toBe('2026-08')
  const all = await totals('rollup_day', 'bucket', '2000-01-01')
  expect(all.requests).toBe(600)

  // For the range that both hold, sums equal the rows; further back, they equal each other.
  const rows = await totals('api_requests', 'created_at', '2026-10-01 00:00+00')
  expect(rows.requests).toBeGreaterThan(50)
  for (const tier of ['minute', 'hour', 'day'])
    expect(await totals(`rollup_${tier}`, 'bucket', '2026-10-01 00:00+00')).toEqual(rows)
  const may = '2026-05-01 00:00+00'
  expect(await totals('rollup_hour', 'bucket', may)).toEqual(await totals('rollup_day', 'bucket', may))

  expect((await drop({ rawDays: 60, minuteDays: 30, hourDays: 200, rateLimitDays: 90 })).dropped).toEqual([])
  // A late row of a dropped month is taken all the same, and leaves with the next run.
  await write([recordedExchange(Date.UTC(2026, 0, 5))])
  expect((await drop({ rawDays: 60 })).dropped).toEqual(['api_requests_2026_01'])
})

test('by default only what nobody looks at any more goes, and 0 keeps rows for good', () => {
  const kept = (table: string) => (keptFor(table, retentionSchema.parse({})) ?? Number.POSITIVE_INFINITY) / dayMs
  expect(timeTables().map(({ name }) => [name, kept(name)])).toEqual([
    ['api_requests', 400],
    ['rollup_minute', 35],
    ['latency_minute', 35],
    ['rollup_hour', 400],
    ['latency_hour', 400],
    ['rollup_day', Number.POSITIVE_INFINITY],
    ['latency_day', Number.POSITIVE_INFINITY],
    ['rate_limit_samples', 90],
  ])
  expect(keptFor('client_keys', retention({ rawDays: 1 }))).toBeNull()
  expect(() => retentionSchema.parse({ minuteDays: 1 })).toThrow('at least 2')
})

test('a partition goes in the moment in which its last row is too old', () => {
  const day = { table: 'api_requests', name: 'x', from: now - 11 * dayMs, to: now - 10 * dayMs }
  expect(expiredPartitions([day], retention({ rawDays: 10 }), now)).toEqual([day])
  expect(expiredPartitions([day], retention({ rawDays: 10 }), now - 1)).toEqual([])
  expect(expiredPartitions([day], retention({}), now)).toEqual([])
})

test('a question that takes its time holds up retention and not the recorder; what was done stays done', async () => {
  const old = { from: Date.UTC(2020, 0, 1), to: Date.UTC(2020, 2, 1) }
  await ensurePartitionsOver(pool, old)
  const reader = await pool.connect()
  try {
    await reader.query('begin; select * from api_requests_2020_02')
    const stopped = new AbortController()
    const dropping = drop({ rawDays: 60 }, stopped.signal)
    dropping.catch(() => undefined)
    const names = async () => (await listPartitions(pool)).map(({ name }) => name)
    await expect.poll(async () => (await names()).includes('api_requests_2020_01'), { timeout: 30_000 }).toBe(false)
    // Its detach stands in line for the parent again and again; the recorder gets through.
    for (let turn = 0; turn < 15; turn++) expect((await write([recordedExchange(now - turn * 1_000)])).inserted).toBe(1)
    expect(await names()).toContain('api_requests_2020_02')
    stopped.abort(new Error('the lease was lost'))
    await expect(dropping).rejects.toThrow()
    await reader.query('commit')
    expect((await drop({ rawDays: 60 })).dropped).toContain('api_requests_2020_02')
  } finally {
    reader.release(true)
  }
})

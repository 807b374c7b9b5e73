import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { systemClock } from '../../core/clock.ts'
import { uuidv7 } from '../../core/ids.ts'
import { silentLogger } from '../../core/logger.ts'
import { connectionConfig } from '../drivers/server.ts'
import { createNamedSql } from '../run-named.ts'
import { createWriteExchanges, createWriteImported } from '../writers/write-exchanges.ts'
import type { ExchangeFilter } from './exchange-filter.ts'
import { createQueries, type Queries } from './index.ts'
import { parseReset, quotaWindowOf } from './quota-window.ts'
import { coverRange } from './rollup-range.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** Not on an hour, so that ranges have edges of minutes. */
const now = Date.UTC(2026, 10, 23, 12, 34, 56)

let database: TestDatabase
let pool: pg.Pool
let queries: Queries

/** Three days of traffic, one call every seven minutes, in two domains and three accounts. */
const traffic = Array.from({ length: 600 }, (_, i) =>
  recordedExchange(now - i * 7 * minuteMs, {
    domain: i % 3 === 0 ? 'batch' : 'web',
    account: i % 4 === 0 ? null : i % 2 === 0 ? 'main' : 'spare',
    model: i % 5 === 0 ? 'claude-opus' : 'claude-sonnet',
    durationMs: 100 + i,
    ttftMs: i % 10 === 0 ? null : 50 + i / 2,
    ...(i % 6 === 0 && { statusCode: 529, outcome: 'provider_error', errorType: 'provider_overloaded' }),
    ...(i % 50 === 1 && { statusCode: 499, outcome: 'cancelled', errorType: 'caller_cancelled' }),
    costUsd: 0.25,
  }),
)

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool(connectionConfig(database.url, 'test'))
  const sql = createNamedSql({
    pool,
    clock: systemClock,
    logger: silentLogger,
    slowQueryThresholdMs: 60_000,
    onQuery: () => undefined,
    isReady: () => true,
  })
  queries = createQueries(sql)
  await createWriteExchanges(sql)(traffic)
  // History of the same time, which no question may count unless it asks for it.
  await createWriteImported(sql)(
    traffic.slice(0, 40).map((one) => ({
      ...one,
      id: uuidv7(one.openedAt),
      domain: 'history',
      account: 'main',
      durationMs: null,
      overheadMs: null,
      ttftMs: null,
    })),
  )
  const headers = (utilization: string, reset: string) => ({
    'anthropic-ratelimit-unified-5h-utilization': utilization,
    'anthropic-ratelimit-unified-5h-reset': reset,
  })
  const reset = String((now + 2 * hourMs) / 1000)
  await createWriteExchanges(sql)([
    recordedExchange(now - 90_000, { account: 'subscribed', ttftMs: 0, rateLimitHeaders: headers('0.62', reset) }),
    recordedExchange(now - 60_000, { account: 'subscribed', ttftMs: 0, rateLimitHeaders: headers('0.61', reset) }),
  ])
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

test('token stats count everything, and the domains add up to the total', async () => {
  const { total_requests, total_tokens, by_domain } = await queries.tokenStats()
  expect(total_requests).toBe(602)
  expect(by_domain.batch?.requests).toBe(200)
  expect(total_tokens).toEqual({
    input: 6020,
    output: 12_040,
    total: 602 * 375,
    cache_read: 180_600,
    cache_write_5m: 24_080,
    cache_write_1h: 3_010,
  })
  const totals = Object.values(by_domain).map((domain) => domain.tokens.total)
  expect(totals.reduce((sum, one) => sum + one, 0)).toBe(total_tokens.total)
})

test('stats of a range count what the ledger has in it, by every kind', async () => {
  // On minutes, as a range that is not is widened to them.
  const to = Math.ceil(now / minuteMs) * minuteMs
  const from = to - 26 * hourMs
  const inside = traffic.filter((one) => one.openedAt >= from && one.openedAt < to)
  const answer = await queries.stats({ from, to, domain: null })
  expect(answer.from).toBe(from)
  expect(answer.total.requests).toBe(inside.length + 2)
  expect(answer.total.errors).toBe(inside.filter((one) => one.outcome === 'provider_error').length)
  expect(answer.cancelled).toBe(inside.filter((one) => one.outcome === 'cancelled').length)
  expect(answer.total.costUsd).toBeCloseTo(inside.length * 0.25 + 2 * 0.001234567, 9)
  expect(answer.byStatusClass).toEqual({
    '2xx': inside.filter((one) => one.statusCode === 200).length + 2,
    '4xx': answer.cancelled,
    '5xx': answer.total.errors,
  })
  expect(answer.byDomain.reduce((sum, row) => sum + row.requests, 0)).toBe(answer.total.requests)
  expect(answer.byModel.map((row) => row.model)).toEqual(['claude-sonnet', 'claude-opus', 'claude-sonnet-4-5-20250929'])
  expect(answer.errorsByType).toContainEqual({ errorType: 'provider_overloaded', requests: answer.total.errors })
  expect(answer.source).toBe('rollup_minute+rollup_hour')

  const web = await queries.stats({ from, to, domain: 'web' })
  expect(web.byDomain.map((row) => row.domain)).toEqual(['web'])
  expect(web.total.requests).toBe(inside.filter((one) => one.domain === 'web').length + 2)
})

test('percentiles are within one percent of those of the rows', async () => {
  const answer = await queries.stats({ from: now - 4 * dayMs, to: now, domain: 'batch' })
  const { rows } = await pool.query(`
    select percentile_disc(0.5) within group (order by response_time_ms) as p50,
      percentile_disc(0.95) within group (order by response_time_ms) as p95,
      percentile_disc(0.95) within group (order by ttft_ms) as ttft
    from api_requests where domain = 'batch'`)
  const near = (value: number | null, exact: number) =>
    expect(Math.abs((value ?? 0) - exact) / exact).toBeLessThan(0.01)
  near(answer.responseTimeMs.p50, rows[0].p50)
  near(answer.responseTimeMs.p95, rows[0].p95)
  near(answer.ttftMs.p95, rows[0].ttft)
})

test('what was imported is counted where it is asked for, and nowhere else', async () => {
  const range = { from: now - 4 * dayMs, to: now + minuteMs }
  const asked = async (source?: 'wire' | 'import' | 'all') => {
    const about = source === undefined ? {} : { source }
    const [stats, line, usage, days, rows] = await Promise.all([
      queries.stats({ ...range, domain: null, ...about }),
      queries.timeline({ ...range, domain: null, stepMs: hourMs, ...about }),
      queries.currentUsage({ ...range, account: 'main', ...about }),
      queries.dailyUsage({ ...range, account: null, aggregate: true, ...about }),
      queries.recentExchanges({ ...range, after: null, limit: 500, filter: { domain: 'history' }, ...about }),
    ])
    const sum = (counted: readonly { requests: number }[]) => counted.reduce((total, one) => total + one.requests, 0)
    const main = usage[0]?.requests ?? 0
    return { stats: stats.total.requests, line: sum(line.points), main, days: sum(days.rows), rows: rows.length }
  }
  const measured = await asked()
  expect(measured).toEqual({ stats: 602, line: 602, main: 150, days: 602, rows: 0 })
  expect(await asked('wire')).toEqual(measured)
  expect(await asked('import')).toEqual({ stats: 40, line: 40, main: 40, days: 40, rows: 40 })
  expect(await asked('all')).toEqual({ stats: 642, line: 642, main: 190, days: 642, rows: 40 })

  const history = await queries.stats({ ...range, domain: null, source: 'import' })
  expect(history.responseTimeMs).toEqual({ p50: null, p95: null, p99: null })
  const [row] = await queries.recentExchanges({ ...range, after: null, limit: 1, filter: {}, source: 'import' })
  expect(row).toMatchObject({ source: 'import', durationMs: null, overheadMs: null })
  expect((await queries.exchangeById(row?.id ?? ''))?.source).toBe('import')
})

test('an empty range has zeros and no percentiles', async () => {
  const answer = await queries.stats({ from: 0, to: dayMs, domain: null })
  expect(answer.total).toMatchObject({ requests: 0, errors: 0, costUsd: 0 })
  expect(answer.responseTimeMs).toEqual({ p50: null, p95: null, p99: null })
})

test.each([5 * minuteMs, hourMs, dayMs])('a timeline of steps of %d ms has every request once', async (stepMs) => {
  const answer = await queries.timeline({ from: now - 4 * dayMs, to: now + stepMs, domain: null, stepMs })
  const total = answer.points.reduce((sum, point) => sum + point.requests, 0)
  expect(total).toBe(602)
  expect(answer.truncated).toBe(false)
  expect(answer.points.every((point) => point.at % stepMs === 0)).toBe(true)
  expect(answer.points.every((point) => point.responseTimeP95Ms !== null)).toBe(true)
  expect(answer.points.map((point) => point.at)).toEqual(answer.points.map((point) => point.at).sort((a, b) => a - b))
})

describe('current usage', () => {
  test('is by account, with the provider’s own reset and share, the largest of the window', async () => {
    const rows = await queries.currentUsage({ from: now - 300 * minuteMs, to: now, account: null })
    expect(new Set(rows.map((row) => row.account))).toEqual(new Set(['main', 'spare', 'subscribed', null]))
    expect(rows.find((row) => row.account === 'subscribed')).toMatchObject({
      requests: 2,
      limit: null,
      percentage: 62,
      resetsAt: now + 2 * hourMs,
      source: 'header',
      sampleAgeSeconds: 60,
    })
    expect(rows.find((row) => row.account === 'main')).toMatchObject({
      percentage: null,
      resetsAt: null,
      source: 'none',
    })
  })

  test('of one account leaves the others out', async () => {
    const rows = await queries.currentUsage({ from: now - 300 * minuteMs, to: now, account: 'main' })
    expect(rows.map((row) => row.account)).toEqual(['main'])
  })

  test('reads resets as epoch seconds and as RFC 3339', () => {
    expect(parseReset('1750420800')).toBe(1_750_420_800_000)
    expect(parseReset('2025-06-20T12:00:00Z')).toBe(Date.UTC(2025, 5, 20, 12))
    expect(parseReset('soon')).toBeNull()
  })

  test('a window that was reset since, and one of another length, tell nothing', () => {
    const headers = {
      'anthropic-ratelimit-unified-5h-utilization': '0.9',
      'anthropic-ratelimit-unified-5h-reset': String(now / 1000 - 60),
    }
    const samples = [{ observedAt: now - 90_000, headers }]
    const none = { resetsAt: null, percentage: null, source: 'none', observedAt: null }
    expect(quotaWindowOf(samples, 300, now)).toEqual(none)
    expect(quotaWindowOf(samples, 60, now - 120_000)).toEqual(none)
  })

  test('an API key has a reset and no share', () => {
    const headers = { 'anthropic-ratelimit-tokens-reset': new Date(now + 30_000).toISOString() }
    expect(quotaWindowOf([{ observedAt: now, headers }], 300, now)).toEqual({
      resetsAt: now + 30_000,
      percentage: null,
      source: 'rate_limit',
      observedAt: now,
    })
  })
})

describe('daily usage', () => {
  test('aggregated is one row a day, newest first, days without traffic included', async () => {
    const from = Math.floor(now / dayMs) * dayMs - 29 * dayMs
    const answer = await queries.dailyUsage({ from, to: now, account: null, aggregate: true })
    expect(answer.rows).toHaveLength(30)
    expect(answer.rows[0]?.date).toBe('2026-11-23')
    expect(answer.rows[29]).toMatchObject({ date: '2026-10-25', requests: 0, costUsd: 0 })
    expect(answer.rows.reduce((sum, row) => sum + row.requests, 0)).toBe(602)
  })

  test('otherwise is one row a day, domain and model', async () => {
    const answer = await queries.dailyUsage({ from: now - 3 * dayMs, to: now, account: 'spare', aggregate: false })
    const keys = answer.rows.map((row) => `${row.date} ${row.domain} ${row.model}`)
    expect(new Set(keys).size).toBe(keys.length)
    expect(answer.rows.reduce((sum, row) => sum + row.requests, 0)).toBe(300)
  })
})

describe('rows', () => {
  const window = { from: now - 4 * dayMs, to: now + 1 }

  test('come newest first, page by page, each once', async () => {
    const seen: string[] = []
    let after: { openedAt: number; id: string } | null = null
    for (;;) {
      const page = await queries.recentExchanges({ ...window, after, limit: 100, filter: {} })
      seen.push(...page.map((one) => one.id))
      const last = page.at(-1)
      if (last === undefined) break
      after = { openedAt: last.openedAt, id: last.id }
    }
    expect(seen).toHaveLength(602)
    expect(new Set(seen).size).toBe(602)
    expect(seen[0]).toBe(traffic[0]?.id)
  })

  test('can be narrowed, and a page is bounded', async () => {
    const filter = { domain: 'web', status: 'failed' } as const
    const rows = await queries.recentExchanges({ ...window, after: null, limit: 1_000_000, filter })
    expect(rows).toEqual(
      await queries.recentExchanges({
        ...window,
        after: null,
        limit: 500,
        filter: { ...filter, outcome: 'provider_error' },
      }),
    )
    const all = await queries.recentExchanges({ ...window, after: null, limit: 1_000_000, filter: {} })
    expect(all.length).toBeLessThanOrEqual(500)
  })

  test('one is found by its id, as it was recorded', async () => {
    const record = traffic[7]
    if (record === undefined) throw new Error('no traffic')
    const { kind: _kind, rateLimitHeaders: _headers, closedAt: _closedAt, ...facts } = record
    expect(await queries.exchangeById(record.id)).toMatchObject(facts)
    expect(await queries.exchangeById('0193f5a0-0000-7000-8000-000000000000')).toBeNull()
    expect(await queries.exchangeById(`x'; drop table api_requests`)).toBeNull()
  })
})

test('a range is covered by whole buckets without gap or overlap, and with few of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: now }), fc.integer({ min: 1, max: 400 * dayMs }), (from, length) => {
      const spans = coverRange(from, from + length)
      let at = Math.floor(from / minuteMs) * minuteMs
      for (const span of spans) {
        expect(span.from).toBe(at)
        expect(span.to).toBeGreaterThan(span.from)
        expect(span.from % span.tier.stepMs).toBe(0)
        expect(span.to % span.tier.stepMs).toBe(0)
        at = span.to
      }
      expect(at).toBe(Math.ceil((from + length) / minuteMs) * minuteMs)
      const buckets = spans.map((span) => (span.to - span.from) / span.tier.stepMs)
      expect(buckets.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(length / dayMs + 2 * (60 + 24) + 2)
    }),
  )
})

test.each([
  [{ status: 'failed' }, `outcome not in ('ok', 'cancelled')`],
  [{ status: '5xx', account: 'main' }, `status_code >= 500 and account_id = 'main'`],
  [{ model: 'claude-opus' }, `model = 'claude-opus'`],
  [{ outcome: 'cancelled', domain: 'web' }, `outcome = 'cancelled' and domain = 'web'`],
  [
    { errorType: 'caller_cancelled', model: 'claude-opus' },
    `error_type = 'caller_cancelled' and model = 'claude-opus'`,
  ],
  [{ provider: 'nobody' }, `provider = 'nobody'`],
] as const)(
  'pages of %j have every row that matches once, in order, also where matches are days apart',
  async (filter, sql) => {
    for (const to of [now - 20 * minuteMs, ...[5, 185, 215].map((minutes) => midnight + minutes * minuteMs)])
      await expectPages({ from: now - 3 * dayMs + 17 * minuteMs, to }, filter, sql)
  },
)

const midnight = Date.UTC(2026, 10, 23)

/** Every page of seven against the rows themselves. */
async function expectPages(range: { from: number; to: number }, filter: ExchangeFilter, sql: string): Promise<void> {
  const { rows } = await pool.query(
    `select id from api_requests where source = 'wire' and created_at >= $1 and created_at < $2 and ${sql}
     order by created_at desc, id desc`,
    [new Date(range.from), new Date(range.to)],
  )
  const ids: string[] = []
  for (let after: { openedAt: number; id: string } | null = null; ; ) {
    const page = await queries.recentExchanges({ ...range, after, limit: 7, filter })
    ids.push(...page.map((row) => row.id))
    const last = page.at(-1)
    if (page.length < 7 || last === undefined) break
    after = { openedAt: last.openedAt, id: last.id }
  }
  expect(ids).toEqual(rows.map((row) => row.id))
}

test('rows that outlived the sums of their hours are still found by a filter', async () => {
  const range = { from: now - 3 * dayMs, to: now }
  const filter = { outcome: 'cancelled' } as const
  const all = await queries.recentExchanges({ ...range, after: null, limit: 500, filter })
  expect(all.length).toBeGreaterThan(0)
  const { rows } = await pool.query('select * from rollup_hour')
  await pool.query('delete from rollup_hour')
  try {
    const gone = createQueries(
      { query: async (_name, text, values) => (await pool.query(text, [...(values ?? [])])).rows },
      () => ({
        minute: now,
        hour: now,
      }),
    )
    expect(await gone.recentExchanges({ ...range, after: null, limit: 500, filter })).toEqual(all)
  } finally {
    await pool.query('insert into rollup_hour select * from json_populate_recordset(null::rollup_hour, $1)', [
      JSON.stringify(rows),
    ])
  }
})

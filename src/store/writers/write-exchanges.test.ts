import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { systemClock } from '../../core/clock.ts'
import type { RecordedExchange } from '../../core/exchange.ts'
import { uuidv7 } from '../../core/ids.ts'
import { silentLogger } from '../../core/logger.ts'
import { storeConfigSchema } from '../config.ts'
import { ensureDefaultPartitions } from '../default-partition.ts'
import { connectionConfig, createPools } from '../drivers/server.ts'
import { slotCounts } from '../queries/percentiles.ts'
import { createNamedSql } from '../run-named.ts'
import type { Sql } from '../sql.ts'
import { createWriteExchanges, createWriteImported } from './write-exchanges.ts'

let database: TestDatabase
let pool: pg.Pool
let sql: Sql
const noon = Date.UTC(2026, 10, 23, 12, 0, 0)

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ ...connectionConfig(database.url, 'test'), max: 6 })
  sql = createNamedSql({
    pool,
    clock: systemClock,
    logger: silentLogger,
    slowQueryThresholdMs: 60_000,
    onQuery: () => undefined,
    isReady: () => true,
    prepared: () => true,
  })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

beforeEach(async () => {
  await pool.query(
    `truncate api_requests, rollup_minute, rollup_hour, rollup_day, latency_minute, latency_hour, latency_day, rate_limit_samples`,
  )
})

const sumsOf = (bucket: string) => `
  select ${bucket} as bucket, domain, account_id, key_id, provider, status_code, outcome, error_type, source, sum(requests) as requests,
    sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_5m_tokens) as cache_write_5m_tokens, sum(cache_write_1h_tokens) as cache_write_1h_tokens,
    sum(reasoning_tokens) as reasoning_tokens, sum(cost_usd)::text as cost_usd`

/** Every tier, key by key, against the same sums made from the ledger's rows: both lists must be the same. */
async function expectRollupsEqualLedger(): Promise<void> {
  for (const tier of ['minute', 'hour', 'day']) {
    const trunc = `date_trunc('${tier}', created_at, 'UTC')`
    const fromLedger = await pool.query(`${sumsOf('bucket')} from (
        select ${trunc} as bucket, domain, coalesce(account_id, '') as account_id, coalesce(key_id, '') as key_id,
          coalesce(provider, '') as provider, status_code, outcome, coalesce(error_type, '') as error_type, source, 1 as requests,
          input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
          coalesce(reasoning_tokens, 0) as reasoning_tokens, cost_usd
        from api_requests) as rows group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 2, 3, 4, 5, 6, 7, 8, 9`)
    const fromRollup = await pool.query(
      `${sumsOf('bucket')} from rollup_${tier} group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 2, 3, 4, 5, 6, 7, 8, 9`,
    )
    expect(fromRollup.rows).toEqual(fromLedger.rows)

    const slots = await pool.query(`
      select bucket, domain, kind, slot, sum(requests) as requests from (
        select ${trunc} as bucket, domain, 'total' as kind, floor(64 * log(2, response_time_ms::numeric) + 1e-9) as slot, 1 as requests from api_requests
        where source = 'wire'
        union all
        select ${trunc}, domain, 'ttft', floor(64 * log(2, ttft_ms::numeric) + 1e-9), 1 from api_requests where source = 'wire' and ttft_ms is not null
      ) as timed group by 1, 2, 3, 4 order by bucket, domain collate "C", kind, slot`)
    const histograms = await pool.query(`
      select bucket, domain, sum(response_time)::text as total, sum(ttft)::text as ttft from latency_${tier} group by 1, 2 order by 1, 2`)
    const held = histograms.rows.flatMap(({ bucket, domain, ...kinds }) =>
      ['total', 'ttft'].flatMap((kind) =>
        slotCounts(kinds[kind])
          .reverse()
          .map(({ slot, count }) => ({ bucket, domain, kind, slot, requests: count })),
      ),
    )
    expect(held).toEqual(slots.rows)
  }
}

const count = async (): Promise<number> => (await pool.query('select count(*) as n from api_requests')).rows[0].n

/** Anything that happens, over midnight, hours and days, in few enough keys that they meet. */
const anyExchange = fc
  .record({
    openedAt: fc.integer({ min: noon, max: noon + 3 * 86_400_000 }),
    domain: fc.constantFrom('web', 'batch', 'ümläut "quoted" \\ {x,y}'),
    account: fc.constantFrom('main', null),
    provider: fc.constantFrom('anthropic', null),
    model: fc.constantFrom('claude-sonnet-4-5', 'claude-opus-4-1', null),
    end: fc.constantFrom(
      ['ok', 200, null],
      ['caller_error', 400, 'caller_invalid_request'],
      ['provider_error', 529, 'provider_overloaded'],
      ['cancelled', 499, 'caller_cancelled'],
    ),
    durationMs: fc.integer({ min: 1, max: 600_000_000 }).map((us) => us / 1000),
    ttftMs: fc.option(fc.integer({ min: 1, max: 60_000_000 }).map((us) => us / 1000)),
    tokens: fc.array(fc.integer({ min: 0, max: 2_000_000 }), { minLength: 5, maxLength: 5 }),
    reasoning: fc.option(fc.nat(5_000)),
    cost: fc.integer({ min: 0, max: 50_000_000_000 }).map((nano) => nano / 1e9),
  })
  .map(({ openedAt, end, tokens, reasoning, cost, ...rest }) => {
    const [outcome, statusCode, errorType] = end as [RecordedExchange['outcome'], number, RecordedExchange['errorType']]
    const [input = 0, output = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0] = tokens
    const usage = { input, output, cacheRead, cacheWrite5m, cacheWrite1h, reasoning }
    return recordedExchange(openedAt, { ...rest, outcome, statusCode, errorType, usage, costUsd: cost })
  })

test('a record comes back from the ledger as it went in', async () => {
  const write = createWriteExchanges(sql)
  const record = recordedExchange(noon + 1, {
    errorMessage: 'quoted "text", {braces}, back\\slash, NULL and 日本語 🚦',
    usageFlags: ['write_split_inferred', 'no_split'],
    serverToolUse: { webSearchRequests: 2, webFetchRequests: 0 },
    sessionId: 'NULL',
    agentId: '',
    routing: {
      rule: 'the cheap one',
      target: 'ollama/qwen3:8b',
      tried: ['groq/x:429', 'openai/*:resting'],
      movedFrom: 'groq/x',
      // More than the column takes: whole words are left out.
      notes: Array.from({ length: 60 }, (_, at) => `dropped:${'x'.repeat(88)}${String(at).padStart(2, '0')}`),
    },
  })
  expect(await write([record])).toEqual({ inserted: 1, rejected: [] })
  const { rows } = await pool.query('select * from api_requests')
  expect(rows[0]).toMatchObject({
    id: record.id,
    created_at: new Date(record.openedAt),
    response_time_ms: 1200.125,
    overhead_ms: 0.625,
    cost_usd: 0.001234567,
    error_message: record.errorMessage,
    usage_flags: ['write_split_inferred', 'no_split'],
    web_search_requests: 2,
    reasoning_tokens: null,
    session_id: 'NULL',
    agent_id: '',
    error_type: null,
    route: 'the cheap one',
    route_target: 'ollama/qwen3:8b',
    targets_tried: ['groq/x:429', 'openai/*:resting'],
    moved_from: 'groq/x',
    translation_notes: record.routing?.notes.slice(0, 30),
  })
})

test('rollups and latency slots equal the ledger, whatever is written, replayed and cut in batches', async () => {
  const write = createWriteExchanges(sql)
  const writeImported = createWriteImported(sql)
  await fc.assert(
    fc.asyncProperty(fc.array(anyExchange, { minLength: 1, maxLength: 60 }), fc.nat(60), async (records, cut) => {
      await pool.query(
        `truncate api_requests, rollup_minute, rollup_hour, rollup_day, latency_minute, latency_hour, latency_day`,
      )
      const first = await write(records.slice(0, cut))
      const replayed = await write(records)
      const again = await write([...records, ...records])
      const history = records.map((record) => ({
        ...record,
        id: uuidv7(record.openedAt),
        ttftMs: null,
        durationMs: null,
      }))
      expect((await writeImported([...history, ...records])).inserted).toBe(records.length)
      expect(first.inserted + replayed.inserted).toBe(records.length)
      expect(again).toEqual({ inserted: 0, rejected: [] })
      await expectRollupsEqualLedger()
    }),
    { numRuns: 15 },
  )
})

test('recorders that write the same rows at once in different orders neither lose nor double nor deadlock', async () => {
  const write = createWriteExchanges(sql)
  const records = Array.from({ length: 900 }, (_, i) =>
    recordedExchange(noon + i * 7, { domain: `d${i % 7}`, durationMs: 1 + ((i * 37) % 5000) }),
  )
  const slices = (all: readonly RecordedExchange[]) => [all.slice(0, 300), all.slice(300, 600), all.slice(600)]
  const recorder = async (batches: readonly RecordedExchange[][]): Promise<number> => {
    let inserted = 0
    for (const batch of batches) inserted += (await write(batch)).inserted
    return inserted
  }
  const inserted = await Promise.all([
    recorder(slices(records)),
    recorder(slices(records.toReversed())),
    recorder(slices(records).toReversed()),
    recorder(slices(records.toReversed()).toReversed()),
  ])
  expect(inserted.reduce((sum, one) => sum + one, 0)).toBe(900)
  expect(await count()).toBe(900)
  await expectRollupsEqualLedger()
})

test('a batch far larger than usual in memory comes back as it went in', async () => {
  const long = '駅🚦"\\'.repeat(60)
  const texts = {
    path: long,
    errorMessage: long,
    sessionId: long,
    agentId: long,
    parentAgentId: long,
    stopReason: long,
  }
  const records = Array.from({ length: 40 }, (_, i) => recordedExchange(noon + i, i % 3 === 0 ? {} : texts))
  expect(await createWriteExchanges(sql)(records)).toEqual({ inserted: 40, rejected: [] })
  const { rows } = await pool.query('select * from api_requests order by created_at')
  for (const [i, record] of records.entries())
    expect(rows[i]).toMatchObject({
      id: record.id,
      path: record.path,
      error_message: record.errorMessage,
      session_id: record.sessionId,
      agent_id: record.agentId,
      parent_agent_id: record.parentAgentId,
      stop_reason: record.stopReason,
      request_bytes: record.requestBytes,
      upstream_request_id: record.upstreamRequestId,
    })
})

test('what a column can not hold is made to fit, and the row is kept', async () => {
  const write = createWriteExchanges(sql)
  const usage = { input: 1e18, output: -5, cacheRead: 1.7, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null }
  const headers = { 'anthropic-ratelimit-unified-status': 'a\u0000b\ud800' }
  const answer = await write([
    recordedExchange(noon, { errorMessage: 'nul \u0000 and half \ud83d', usage, rateLimitHeaders: headers }),
    recordedExchange(noon + 1, { domain: 'd'.repeat(5_000), path: '/'.repeat(5_000) }),
  ])
  expect(answer).toEqual({ inserted: 2, rejected: [] })
  const { rows } = await pool.query('select * from api_requests order by created_at')
  expect(rows[0]).toMatchObject({
    error_message: 'nul \ufffd and half \ufffd',
    input_tokens: 1e12,
    output_tokens: 0,
    cache_read_tokens: 1,
  })
  expect(rows[1].domain).toHaveLength(100)
  const samples = await pool.query('select headers from rate_limit_samples')
  expect(samples.rows[0].headers).toEqual({ 'anthropic-ratelimit-unified-status': 'a\ufffdb\ufffd' })
})

test('rows that the database refuses are set aside one by one, and all others are written', async () => {
  const write = createWriteExchanges(sql)
  const good = Array.from({ length: 60 }, (_, i) => recordedExchange(noon + i))
  const bad = [
    recordedExchange(noon, { id: 'no uuid' }),
    recordedExchange(noon, { costUsd: 1e12 }),
    recordedExchange(noon, { durationMs: Number.NaN, domain: null as never }), // what a damaged journal may hold
    { ...recordedExchange(noon), usage: undefined as never },
  ]
  const mixed = [...good.slice(0, 20), ...bad.slice(0, 2), ...good.slice(20, 41), ...bad.slice(2), ...good.slice(41)]
  const answer = await write(mixed)
  expect(answer.inserted).toBe(60)
  expect(answer.rejected).toEqual([
    { id: 'no uuid', reason: 'SQLSTATE 22P02' },
    { id: bad[1]?.id, reason: 'SQLSTATE 22003' },
    { id: bad[2]?.id, reason: 'SQLSTATE 23502' },
    { id: bad[3]?.id, reason: 'unreadable record' },
  ])
  expect(await count()).toBe(60)
  await expectRollupsEqualLedger()
})

test('a row that alone meets a constraint of the operator is set aside; while no row is taken, all wait', async () => {
  const write = createWriteExchanges(sql)
  await pool.query(`alter table api_requests add constraint no_internal check (domain not like 'internal%')`)
  onTestFinished(async () => void (await pool.query('alter table api_requests drop constraint if exists no_internal')))
  const good = Array.from({ length: 50 }, (_, i) => recordedExchange(noon + i))
  const bad = recordedExchange(noon, { domain: 'internal-1' })
  await expect(write([bad])).rejects.toMatchObject({ code: '23514', constraint: 'no_internal' })
  expect(await write([...good.slice(0, 7), bad, ...good.slice(7)])).toEqual({
    inserted: 50,
    rejected: [{ id: bad.id, reason: 'SQLSTATE 23514' }],
  })
  await pool.query(`alter table api_requests drop constraint no_internal`)
  await pool.query(`alter table api_requests add constraint no_internal check (domain is null) not valid`)
  let asked = 0
  const counted: Sql = {
    query: (name, text, values) => {
      asked += 1
      return sql.query(name, text, values)
    },
  }
  const many = Array.from({ length: 1_000 }, (_, i) => recordedExchange(noon + 100 + i))
  await expect(createWriteExchanges(counted)(many)).rejects.toMatchObject({ code: '23514' })
  expect(asked).toBeLessThan(30)
})

test('accounts that are the same in what is kept of their names share a sample', async () => {
  const write = createWriteExchanges(sql)
  const sample = (account: string, value: string) =>
    recordedExchange(noon, {
      account,
      ttftMs: 0,
      rateLimitHeaders: { 'anthropic-ratelimit-requests-remaining': value },
    })
  const long = 'a'.repeat(100)
  expect(
    await write([sample(`${long}1`, 'x'), sample(`${long}2`, 'x'), sample('b\ud800', 'y'), sample('b\ud801', 'y')]),
  ).toEqual({
    inserted: 4,
    rejected: [],
  })
  const { rows } = await pool.query('select account_id, headers from rate_limit_samples order by account_id')
  expect(rows.map((row) => row.account_id)).toEqual([long, 'b\ufffd'])
})

test('absurd counts never make the sums of their key overflow, and a cost that is no number never poisons them', async () => {
  const write = createWriteExchanges(sql)
  const usage = { input: 9e15, output: 9e15, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 9e15 }
  for (let turn = 0; turn < 3; turn += 1) {
    const batch = Array.from({ length: 1_000 }, (_, i) => recordedExchange(noon + turn * 1_000 + i, { usage }))
    expect(await write(batch)).toEqual({ inserted: 1_000, rejected: [] })
  }
  const unpriced = recordedExchange(noon, { costUsd: Number.NaN })
  expect((await write([recordedExchange(noon), unpriced])).rejected).toEqual([
    { id: unpriced.id, reason: 'unreadable record' },
  ])
  await expectRollupsEqualLedger()
})

test('without any partition left for it a row gets a default partition, once', async () => {
  let repairs = 0
  const write = createWriteExchanges(sql, async () => {
    repairs += 1
    await ensureDefaultPartitions(pool)
  })
  const early = Date.UTC(2001, 0, 1)
  await pool.query('drop table api_requests_default, rollup_minute_default, latency_day_default')
  expect(await write([recordedExchange(early), recordedExchange(noon)])).toEqual({ inserted: 2, rejected: [] })
  expect(repairs).toBe(1)
  await pool.query('alter table api_requests detach partition api_requests_default')
  expect(await write([recordedExchange(early + 1)])).toEqual({ inserted: 1, rejected: [] })
  expect(repairs).toBe(2)
  expect(await count()).toBe(3)
  expect(await ensureDefaultPartitions(pool)).toEqual([])
  await expectRollupsEqualLedger()
})

test('a connection that is ended while it is lent, between two statements, ends no process', async () => {
  const own = createPools(database.url, storeConfigSchema.parse({}))
  const client = await own.writer.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const ended = new Promise<void>((resolve) => void client.once('end', () => resolve()))
  await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  await ended
  client.release()
  expect((await own.writer.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await own.end()
})

test('a database that is away is an error to try again, not a reason to set rows aside', async () => {
  const away: Sql = { query: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })) }
  await expect(createWriteExchanges(away)([recordedExchange(noon)])).rejects.toThrow('gone')
})

test('a model that only a refused caller named is kept in the row and out of the rollups', async () => {
  const write = createWriteExchanges(sql)
  const refused = { model: null, requestedModel: 'made-up', statusCode: 404, outcome: 'caller_error' } as const
  const failed = { model: null, requestedModel: 'claude-real', statusCode: 529, outcome: 'provider_error' } as const
  await write([recordedExchange(noon, refused), recordedExchange(noon, failed)])
  const { rows } = await pool.query('select model from rollup_day order by model')
  expect(rows).toEqual([{ model: '' }, { model: 'claude-real' }])
})

test('of an account the newest limits in ten seconds are kept, also when they arrive late', async () => {
  const write = createWriteExchanges(sql)
  const sample = (at: number, value: string) =>
    recordedExchange(at, { ttftMs: 0, rateLimitHeaders: { 'anthropic-ratelimit-requests-remaining': value } })
  await write([sample(noon + 5_000, 'newer'), sample(noon + 1_000, 'older')])
  await write([sample(noon + 3_000, 'late'), sample(noon + 12_000, 'next')])
  const { rows } = await pool.query(`select observed_at, headers from rate_limit_samples order by observed_at`)
  expect(rows).toEqual([
    { observed_at: new Date(noon + 5_000), headers: { 'anthropic-ratelimit-requests-remaining': 'newer' } },
    { observed_at: new Date(noon + 12_000), headers: { 'anthropic-ratelimit-requests-remaining': 'next' } },
  ])
})

test('a row with its indexes and its share of the rollups takes less than a kilobyte', async () => {
  const write = createWriteExchanges(sql)
  const records = Array.from({ length: 4_000 }, (_, i) =>
    recordedExchange(noon + i * 40, { sessionId: '3f2b8c1e-0000-4000-8000-000000000001', domain: `d${i % 5}` }),
  )
  await write(records)
  const { rows } = await pool.query(`
    select sum(pg_total_relation_size(oid)) / 4000 as bytes from pg_class
    where relkind = 'r' and relname like any (array['api_requests_%', 'rollup_%', 'latency_%'])`)
  expect(rows[0].bytes).toBeLessThan(1024)
})

test('the seed questions about latency, errors and cost have answers', async () => {
  const write = createWriteExchanges(sql)
  const now = systemClock.now()
  await write([
    recordedExchange(now - 1000, { durationMs: 100 }),
    recordedExchange(now - 900, {
      durationMs: 300,
      statusCode: 529,
      errorType: 'provider_overloaded',
      outcome: 'provider_error',
    }),
  ])
  const recent = `from api_requests where created_at > now() - interval '24 hours'`
  const latency = await pool.query(`
    select avg(response_time_ms) as average, percentile_cont(0.95) within group (order by response_time_ms) as p95 ${recent}`)
  expect(latency.rows).toEqual([{ average: 200, p95: 290 }])
  const rate = await pool.query(`
    select round(count(*) filter (where status_code >= 400)::numeric / count(*) * 100, 2) as error_rate ${recent}`)
  expect(rate.rows).toEqual([{ error_rate: 50 }])
  const kinds = await pool.query(`
    select status_code, error_type, count(*) as n, array_agg(distinct domain) as domains ${recent} and status_code >= 400
    group by status_code, error_type`)
  expect(kinds.rows).toEqual([{ status_code: 529, error_type: 'provider_overloaded', n: 1, domains: ['web'] }])
  const cost = await pool.query(`
    with daily as (
      select date_trunc('day', created_at) as day, sum(input_tokens * 0.000015 + output_tokens * 0.000075) as cost
      from api_requests where model = 'claude-sonnet-4-5-20250929' group by day)
    select sum(cost) over (order by day) as total from daily order by day desc`)
  expect(cost.rows[0].total).toBeCloseTo(2 * (10 * 0.000015 + 20 * 0.000075), 9)
})

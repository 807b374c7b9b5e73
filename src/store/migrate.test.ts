import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { migrate } from './migrate.ts'
import { ensurePartitions, monthsAround } from './partitions.ts'

let database: TestDatabase
let pool: pg.Pool

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ connectionString: database.url })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

test('a second migration does nothing, and several at once do no harm', async () => {
  expect(await Promise.all([migrate(pool), migrate(pool), migrate(pool)])).toEqual([[], [], []])
})

test('partitions are whole UTC months, from the one before to three ahead', () => {
  expect(monthsAround(Date.UTC(2026, 11, 31, 23, 59), 3).map((month) => [month.name, month.from, month.to])).toEqual([
    ['api_requests_2026_11', '2026-11-01 00:00:00+00', '2026-12-01 00:00:00+00'],
    ['api_requests_2026_12', '2026-12-01 00:00:00+00', '2027-01-01 00:00:00+00'],
    ['api_requests_2027_01', '2027-01-01 00:00:00+00', '2027-02-01 00:00:00+00'],
    ['api_requests_2027_02', '2027-02-01 00:00:00+00', '2027-03-01 00:00:00+00'],
    ['api_requests_2027_03', '2027-03-01 00:00:00+00', '2027-04-01 00:00:00+00'],
  ])
})

test('several processes make the missing partitions once, and rows in the default partition move into theirs', async () => {
  await pool.query(`
    insert into api_requests (id, created_at, response_time_ms, overhead_ms, input_tokens, output_tokens,
      cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, request_bytes, response_bytes, status_code,
      attempts, streaming, failed_after_first_byte, cost_usd, domain, endpoint, method, path, outcome, price_source,
      usage_source, source)
    values (gen_random_uuid(), '2031-02-28 23:59:59.999+00', 1, 1, 1, 1, 1, 1, 1, 1, 1, 200, 1, true, false, 0.5,
      'web', 'messages', 'POST', '/v1/messages', 'ok', 'genai-prices', 'reported', 'wire')`)
  const where = `select tableoid::regclass::text as name from api_requests where created_at > '2031-01-01'`
  expect((await pool.query(where)).rows).toEqual([{ name: 'api_requests_default' }])

  const now = Date.UTC(2031, 2, 10)
  const made = await Promise.all([ensurePartitions(pool, now), ensurePartitions(pool, now)])
  expect(made.flat().sort()).toEqual(monthsAround(now, 3).map((month) => month.name))
  expect((await pool.query(where)).rows).toEqual([{ name: 'api_requests_2031_02' }])
  expect(await ensurePartitions(pool, now)).toEqual([])
})

import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import {
  ensurePartitions,
  ensurePartitionsOver,
  listPartitions,
  missingPeriods,
  partitionName,
  periodsAround,
  periodsOver,
} from './partitions.ts'
import { timeTables } from './time-tables.ts'

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

const dayMs = 86_400_000
const whereRowsAre = async (table: string): Promise<string[]> =>
  (await pool.query(`select distinct tableoid::regclass::text as name from ${table} order by 1`)).rows.map(
    (row) => row.name,
  )

async function addRow(at: string): Promise<void> {
  await pool.query(
    `insert into api_requests (id, created_at, response_time_ms, overhead_ms, input_tokens, output_tokens,
      cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, request_bytes, response_bytes, status_code,
      attempts, streaming, failed_after_first_byte, cost_usd, domain, endpoint, method, path, outcome, price_source,
      usage_source, source)
    values (gen_random_uuid(), $1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 200, 1, true, false, 0.5,
      'web', 'messages', 'POST', '/v1/messages', 'ok', 'genai-prices', 'reported', 'wire')`,
    [at],
  )
  await pool.query(
    `insert into rollup_minute values (date_trunc('minute', $1::timestamptz), 'web', '', '', '', '', 'messages', 200,
      'ok', '', 'wire', 1, 1, 1, 1, 1, 1, 1, 0.5)`,
    [at],
  )
}

test('partitions are whole UTC months, days or years, from the one before to some ahead', () => {
  const lastMoment = Date.UTC(2026, 11, 31, 23, 59)
  const names = (unit: 'day' | 'month' | 'year') =>
    periodsAround(lastMoment, unit).map((period) => partitionName('t', period))
  expect(names('month')).toEqual(['t_2026_11', 't_2026_12', 't_2027_01', 't_2027_02', 't_2027_03'])
  expect(names('year')).toEqual(['t_2025', 't_2026', 't_2027'])
  expect(names('day').slice(0, 4)).toEqual(['t_2026_12_29', 't_2026_12_30', 't_2026_12_31', 't_2027_01_01'])
  expect(names('day')).toHaveLength(17)
})

test('a period that is there in part is completed by shorter ones, never twice', () => {
  const november = { from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 11, 1) }
  const [, second] = periodsOver(november, 'day')
  const missing = missingPeriods(second === undefined ? [] : [second], [november], 'month')
  expect(missing).toHaveLength(29)
  expect(missing.reduce((sum, { from, to }) => sum + (to - from), 0)).toBe(29 * dayMs)
  expect(missingPeriods([november], periodsOver(november, 'day'), 'day')).toEqual([])
})

test('several processes make the missing partitions once, and rows in a default partition move into theirs', async () => {
  await addRow('2031-02-28 23:59:59.999+00')
  await addRow('1999-06-01 00:00+00')
  await addRow('2077-01-01 00:00+00')
  expect(await whereRowsAre('api_requests')).toEqual(['api_requests_default'])

  const now = Date.UTC(2031, 2, 10)
  const made = await Promise.all([ensurePartitions(pool, now), ensurePartitions(pool, now)])
  const expected = timeTables().flatMap(({ name, unit }) =>
    periodsAround(now, unit).map((period) => partitionName(name, period)),
  )
  expect(made.flat().sort()).toEqual([...expected, 'api_requests_1999_06', 'rollup_minute_1999_06'].sort())
  // The row of a clock that is wrong by decades stays where it does no harm.
  const homes = (table: string) => [`${table}_1999_06`, `${table}_2031_02`, `${table}_default`]
  expect(await whereRowsAre('api_requests')).toEqual(homes('api_requests'))
  expect(await whereRowsAre('rollup_minute')).toEqual(homes('rollup_minute'))
  expect(await ensurePartitions(pool, now)).toEqual([])
})

test('a stretch of time can be prepared, and a ledger cut by month goes on by day', async () => {
  const march = { from: Date.UTC(2019, 2, 3), to: Date.UTC(2019, 2, 4) }
  expect(await ensurePartitionsOver(pool, march)).toContain('api_requests_2019_03')
  const turn = { from: Date.UTC(2019, 2, 30), to: Date.UTC(2019, 3, 3) }
  const made = await ensurePartitionsOver(pool, turn, { rawUnit: 'day' })
  const raw = made.filter((name) => name.startsWith('api_requests'))
  expect(raw).toEqual(['api_requests_2019_04_01', 'api_requests_2019_04_02'])
  // And back: the rest of a month that began by day is completed by day.
  const back = await ensurePartitionsOver(pool, turn)
  expect(back.filter((name) => name.startsWith('api_requests'))).toHaveLength(28)
  const present = (await listPartitions(pool)).filter((each) => each.name.startsWith('api_requests_2019'))
  expect(present.reduce((sum, { from, to }) => sum + (to - from), 0)).toBe(61 * dayMs)
})

test('partitions have what their table has: keys, indexes, checks, room for updates', async () => {
  const { rows } = await pool.query(`
    select relname, reloptions from pg_class where relname in ('rollup_minute_2031_03', 'latency_day_2031') order by 1`)
  expect(rows.map((row) => row.reloptions)).toEqual([['fillfactor=70'], ['fillfactor=70']])
  const indexes = await pool.query(
    `select count(*)::int as n from pg_index where indrelid = 'api_requests_2031_03'::regclass`,
  )
  expect(indexes.rows[0].n).toBe(3)
})

test('a reader that does not end holds up the making of partitions, not the recorder', async () => {
  const reader = await pool.connect()
  try {
    await reader.query('begin; select count(*) from api_requests')
    const now = Date.UTC(2041, 2, 10)
    let made: string[] | undefined
    const making = ensurePartitions(pool, now).then((names) => {
      made = names
    })
    for (let turn = 0; turn < 10; turn++) await addRow(`2041-03-01 00:0${turn}+00`)
    expect(made).toBeUndefined()
    await reader.query('commit')
    await making
    expect(made).toContain('api_requests_2041_03')
    expect(await whereRowsAre('api_requests')).toContain('api_requests_2041_03')
  } finally {
    reader.release(true)
  }
})

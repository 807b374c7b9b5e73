import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectionConfig } from '../../src/store/drivers/server.ts'
import { createQueries } from '../../src/store/queries/index.ts'
import type { Sql } from '../../src/store/sql.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'

/** The bench is plain JavaScript (it runs without a build), so the shapes that matter here are stated. */
type Cases = Record<
  string,
  { variant: string; ask: (queries: never, range: never, index: number) => Promise<unknown> }[]
>
interface Bench {
  casesOf(product: object, samples: object): Cases
  coverage(queries: object, cases: Cases): string[]
  checkPlans(pool: pg.Pool, product: object, cases: Cases, now: number): Promise<string[]>
}
const bench: unknown = await import(new URL('./lib/queries.mjs', import.meta.url).href)
const { casesOf, coverage, checkPlans } = bench as Bench // see above

let database: TestDatabase
let pool: pg.Pool
const cases = casesOf({ chooseStep: () => 3_600_000 }, { ids: [], sessions: [] })

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ ...connectionConfig(database.url, 'test'), max: 1 })
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

test('every query has its cases, and one that had none would be seen', () => {
  const queries = createQueries({ query: async () => [] })
  expect(coverage(queries, cases)).toEqual([])
  expect(coverage({ ...queries, forecast: () => undefined }, cases)).toEqual([expect.stringContaining('forecast')])
  const { stats: _, ...others } = queries
  expect(coverage(others, cases)).toEqual([expect.stringContaining('stats')])
})

test('no aggregate reads the rows of the ledger, and one that did would be seen', async () => {
  expect(await checkPlans(pool, { createQueries }, cases, Date.now())).toEqual([])

  const careless = (sql: Sql) => ({
    ...createQueries(sql),
    tokenStats: () => sql.query('token-stats', 'select domain, count(*) from api_requests group by domain'),
  })
  const faults = await checkPlans(pool, { createQueries: careless }, cases, Date.now())
  expect(faults.length).toBeGreaterThan(0)
  for (const fault of faults) expect(fault).toMatch(/^tokenStats .* reads rows of the ledger: api_requests/)
})

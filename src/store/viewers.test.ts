import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { beginReading, createPools, type Pools } from './drivers/server.ts'
import { storeConfigSchema } from './index.ts'
import { createNamedSql } from './run-named.ts'
import type { Sql } from './sql.ts'
import { createWriteExchanges } from './writers/write-exchanges.ts'

let database: TestDatabase
let pools: Pools
let viewer: Sql
let recorder: Sql

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
afterEach(() => pools.end())
beforeEach(() => open({}))

/** The store's two ways into the database, as `openStore` makes them. */
function open(settings: Record<string, number>): void {
  const config = storeConfigSchema.parse({ readTimeoutMs: 1_000, readerConnections: 2, ...settings })
  pools = createPools(database.url, config)
  const common = {
    clock: systemClock,
    logger: silentLogger,
    slowQueryThresholdMs: 60_000,
    onQuery: () => undefined,
    isReady: () => true,
  }
  viewer = createNamedSql({ ...common, pool: pools.reader, begin: beginReading(config.readTimeoutMs) })
  recorder = createNamedSql({ ...common, pool: pools.writer, prepared: () => true })
}

test('a question that takes too long is ended by the server with an error that has a name', async () => {
  await expect(viewer.query('heavy', 'SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  // The connection is whole afterwards: the same two connections answer far more questions than there are.
  for (let turn = 0; turn < 5; turn++) expect(await viewer.query('light', 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(pools.reader.totalCount).toBeLessThanOrEqual(2)
})

test('a viewer can not write, whatever it is asked', async () => {
  await expect(viewer.query('delete', 'DELETE FROM client_keys')).rejects.toMatchObject({ code: '25006' })
  await expect(viewer.query('drop', 'DROP TABLE client_keys')).rejects.toMatchObject({ code: '25006' })
})

test('a viewer takes one process of the server and little memory, the recorder what it is given', async () => {
  const asked = `SELECT current_setting('max_parallel_workers_per_gather') AS workers,
    current_setting('statement_timeout') AS timeout, current_setting('transaction_read_only') AS only`
  expect(await viewer.query('settings', asked)).toEqual([{ workers: '0', timeout: '1s', only: 'on' }])
  const [own] = await recorder.query<{ timeout: string; only: string }>('settings', asked)
  expect(own).toMatchObject({ timeout: '0', only: 'off' })
})

test('viewers that take all their connections are told to come back, and the recorder does not notice', async () => {
  await pools.end()
  open({ readTimeoutMs: 30_000 })
  const stop = new AbortController()
  const heavy = Array.from({ length: 6 }, () => viewer.query('heavy', 'SELECT pg_sleep(60)').catch((error) => error))
  const write = createWriteExchanges(recorder)
  const now = systemClock.now()
  // As long as the last viewer waits for a connection, every batch goes through.
  let written = 0
  const writing = (async () => {
    while (!stop.signal.aborted) {
      written += (await write([recordedExchange(now + written)])).inserted
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const refused = await Promise.race(heavy)
  stop.abort()
  await writing
  expect(refused).toMatchObject({ name: 'StoreError', code: 'busy' })
  expect(written).toBeGreaterThan(10)
  const [count] = await recorder.query<{ n: number }>('count', 'SELECT count(*) AS n FROM api_requests')
  expect(count?.n).toBe(written)
  await recorder.query(
    'end',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`,
  )
  await Promise.all(heavy)
})

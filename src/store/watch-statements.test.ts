import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../core/clock.ts'
import type { LogFields } from '../core/logger.ts'
import { silentLogger } from '../core/logger.ts'
import { watchStatements } from './watch-statements.ts'

let database: TestDatabase
let pool: pg.Pool
const told: (LogFields | undefined)[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 1 })
  const logger = { ...silentLogger, warn: (_event: string, _message: string, fields?: LogFields) => told.push(fields) }
  watchStatements(pool, { clock: systemClock, logger, slowQueryThresholdMs: 50 })
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

test('slow statements without a name are told by their kind, whichever way they are asked', async () => {
  const client = await pool.connect()
  await client.query(`SELECT pg_sleep(0.06), 'hush'`)
  await client.query({ text: 'SELECT pg_sleep($1)', values: [0.06] })
  await expect(client.query(`DO $$ BEGIN PERFORM pg_sleep(0.06); RAISE 'hush'; END $$`)).rejects.toThrow()
  client.release()
  await pool.query('CREATE TEMPORARY TABLE slow AS SELECT pg_sleep(0.06)::text')
  expect(told.map((fields) => [fields?.query_name, fields?.row_count, fields?.failed])).toEqual([
    ['unnamed-select', 1, undefined],
    ['unnamed-select', 1, undefined],
    ['unnamed-statement', 0, true],
    ['unnamed-create', 1, undefined],
  ])
  expect(JSON.stringify(told)).not.toMatch(/hush|pg_sleep/)
})

test('quick ones and those with a name are let be', async () => {
  told.length = 0
  await pool.query('SELECT 1')
  await pool.query('SELECT /* stats-total */ pg_sleep(0.06)')
  expect(told).toEqual([])
})

import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/until.ts'
import { configSchema } from '../config/schema.ts'
import { openClientKeys } from './maintenance.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('a slow statement of a command is told on standard error, in the line of an instance', async () => {
  const config = configSchema.parse({ store: { databaseUrl: database.url, slowQueryThresholdMs: 100 } })
  const lines: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    lines.push(String(chunk))
    return true
  })
  const blocker = new pg.Client({ connectionString: database.url })
  await blocker.connect()
  try {
    const admin = await openClientKeys(config)
    await blocker.query('BEGIN; LOCK TABLE client_keys IN ACCESS EXCLUSIVE MODE')
    const listed = admin.list()
    const waits = `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'client_keys'::regclass`
    await until('the command waits', async () => (await blocker.query(waits)).rows[0].n > 0)
    await blocker.query('SELECT pg_sleep(0.2)')
    await blocker.query('COMMIT')
    await listed
    await admin.close()
  } finally {
    spy.mockRestore()
    await blocker.end()
  }
  const slow = lines.filter((line) => line.includes('Slow SQL query')).map((line) => JSON.parse(line))
  const [line] = slow.filter(({ query_name: name }) => name === 'client-keys')
  expect(line).toMatchObject({ level: 'warn', severity: 'WARNING', event: 'slow_query', message: 'Slow SQL query' })
  expect(line).toMatchObject({ threshold_ms: 100, row_count: 0, query_ms: expect.any(Number) })
})

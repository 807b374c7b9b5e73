import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { surviveBreaks } from './drivers/server.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { runMigrations } from './run-migrations.ts'

let database: TestDatabase
let pool: pg.Pool
const extra: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ connectionString: database.url })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

afterEach(async () => {
  for (const close of extra.splice(0).reverse()) await close()
})

async function emptyDatabase(): Promise<{ readonly url: string; readonly pool: pg.Pool }> {
  const fresh = await createEmptyDatabase()
  extra.push(() => fresh.drop())
  return { url: fresh.url, pool: poolOf(fresh.url) }
}

function poolOf(url: string): pg.Pool {
  const own = new pg.Pool({ connectionString: url })
  // Databases are dropped under connections that are still saying goodbye.
  surviveBreaks(own)
  extra.push(() => own.end())
  return own
}

const relations = async (of: pg.Pool): Promise<number> =>
  (await of.query(`select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace`)).rows[0].n

const names = migrations.map(({ name }) => name)

test('a second migration does nothing, and several at once do no harm', async () => {
  expect(await Promise.all([migrate(pool), migrate(pool), migrate(pool)])).toEqual([[], [], []])
})

test('several processes that meet an empty database migrate it once', async () => {
  const { url, pool: first } = await emptyDatabase()
  const ran = await Promise.all([first, poolOf(url), poolOf(url), poolOf(url)].map((each) => migrate(each)))
  expect(ran.flat().sort()).toEqual(names)
})

test('what would run is listed with its SQL, and nothing is changed', async () => {
  const { pool: empty } = await emptyDatabase()
  expect(await pendingMigrations(empty)).toEqual(migrations)
  expect(await relations(empty)).toBe(0)
  const half = migrations.slice(0, 1)
  expect(await migrate(empty, half)).toEqual(names.slice(0, 1))
  const before = await relations(empty)
  expect((await pendingMigrations(empty)).map(({ name }) => name)).toEqual(names.slice(1))
  expect(await relations(empty)).toBe(before)
  expect(await migrate(empty)).toEqual(names.slice(1))
  expect(await pendingMigrations(empty)).toEqual([])
})

test('each step is told before it runs, and one that is interrupted leaves everything as it was', async () => {
  const { url, pool: empty } = await emptyDatabase()
  const told: string[] = []
  const slow = { name: '9003-slow', sql: 'CREATE TABLE half (id int); SELECT pg_sleep(120)' }
  const stop = new AbortController()
  const onStep = ({ name, number, total }: { name: string; number: number; total: number }): void => {
    told.push(`${number} of ${total}: ${name}`)
    if (name === slow.name) stop.abort(new Error('enough'))
  }
  const steps = [...migrations, slow]
  await expect(runMigrations(url, { onStep, signal: stop.signal, steps })).rejects.toThrow()
  expect(told).toEqual(steps.map(({ name }, index) => `${index + 1} of ${steps.length}: ${name}`))
  // The server notices at the end of its statement at the latest; nobody has to wait for that here.
  await empty.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`)
  expect(await runMigrations(url)).toEqual(names)
  expect(await pendingMigrations(empty)).toEqual([])
})

test('a migration that fails leaves everything as it was', async () => {
  const { pool: empty } = await emptyDatabase()
  await migrate(empty)
  const before = await relations(empty)
  const bad = [
    { name: '9001-fine', sql: 'CREATE TABLE half (id int)' },
    { name: '9002-broken', sql: 'CREATE TABLE other (id int); SELECT 1 / 0' },
  ]
  await expect(migrate(empty, [...migrations, ...bad])).rejects.toMatchObject({ code: '22012' })
  expect(await relations(empty)).toBe(before)
  expect(await pendingMigrations(empty)).toEqual([])
})

test('a program that meets the schema of a newer one refuses, and says what to do', async () => {
  const { pool: newer } = await emptyDatabase()
  await migrate(newer, [...migrations, { name: '9000-from-the-future', sql: 'ALTER TABLE client_keys ADD hat text' }])
  const refused = { name: 'StoreError', code: 'schema_newer', message: expect.stringContaining('9000-from-the-future') }
  await expect(migrate(newer)).rejects.toMatchObject(refused)
  await expect(pendingMigrations(newer)).rejects.toMatchObject(refused)
})

test('a user without rights is told the statement that gives them', async () => {
  const { url, pool: owner } = await emptyDatabase()
  await owner.query(`drop role if exists "no rights"; create role "no rights" login password 'p'`)
  await owner.query('revoke create on schema public from public')
  extra.push(() => owner.query('drop owned by "no rights"; drop role "no rights"'))
  const own = new URL(url)
  own.username = encodeURIComponent('no rights')
  own.password = 'p'
  const guest = poolOf(own.href)
  const refusal = await migrate(guest).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'rights_missing' })
  const statement = /run: (GRANT .+;)/.exec(String(refusal))?.[1] ?? ''
  await owner.query(statement)
  expect(await migrate(guest)).toEqual(names)
})

test('a server that is too old is refused by its version', async () => {
  const old = { query: async () => ({ rows: [{ number: '140011', version: '14.11' }] }) }
  // Only `query` is reached before the refusal, and no server of that age is at hand.
  await expect(migrate(old as unknown as pg.Pool)).rejects.toMatchObject({
    code: 'server_too_old',
    message: expect.stringMatching(/PostgreSQL 14\.11.*15 or newer/),
  })
})

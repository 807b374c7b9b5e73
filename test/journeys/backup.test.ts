// Backup and restore as processes that are interrupted and killed, on a ledger that takes them a while.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openStore, storeConfigSchema } from '../../src/store/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { recordedExchange } from '../support/recorded-exchange.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const rowsInAll = 150_000

let dir: string
let source: TestDatabase
let target: TestDatabase
let running: ChildProcess | undefined

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'signalbox-backup-journey-'))
  source = await createTestDatabase()
  target = await createTestDatabase()
  const store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: source.url }),
    dataDir: '/nonexistent',
    clock: systemClock,
    logger: silentLogger,
  })
  await store.ready
  await store.writeExchanges([recordedExchange(systemClock.now())])
  await store.close()
  await query(
    source,
    `do $$ declare columns text; begin
    select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
      where attrelid = 'api_requests'::regclass and attnum > 0 and not attisdropped and attname <> 'id';
    execute format('insert into api_requests (id, %1$s) select overlay(id::text placing lpad(to_hex(n), 12, ''0'') from 25)::uuid, %1$s
      from api_requests, generate_series(1, ${rowsInAll - 1}) as n', columns);
  end $$`,
  )
  await query(target, `insert into client_keys (id, hash, domain, name) values ('k_old', 'h', 'old', 'the one before')`)
  const made = start(['backup', path.join(dir, 'whole.tar.gz')], source)
  expect(await made.ended, made.said()).toEqual({ code: 0, signal: null })
}, 120_000)

afterEach(() => void running?.kill('SIGKILL'))
afterAll(async () => {
  await source.drop()
  await target.drop()
  await rm(dir, { recursive: true, force: true })
})

async function query(database: TestDatabase, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows
  } finally {
    await client.end()
  }
}

function start(args: readonly string[], database: TestDatabase) {
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: path.join(dir, 'data'), DATABASE_URL: database.url }
  const child = spawn(main, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running = child
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended, said: () => said }
}

/** Waits until the server is in the middle of the command's COPY of the big table. */
const copying = (database: TestDatabase) =>
  until('rows are being copied', async () => {
    const rows = await query(
      database,
      'select 1 from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000',
    )
    return rows.length > 0
  })

const sessionsOf = (database: TestDatabase) =>
  query(
    database,
    `select 1 from pg_stat_activity where datname = current_database() and application_name like 'signalbox %'`,
  )

/** The old ledger, to the row. */
async function expectUntouched(): Promise<void> {
  await until('the server has noticed', async () => (await sessionsOf(target)).length === 0)
  expect(await query(target, 'select count(*)::int as n from api_requests')).toEqual([{ n: 0 }])
  expect(await query(target, 'select id from client_keys')).toEqual([{ id: 'k_old' }])
}

test('Ctrl-C ends a restore with 130, says what is true, and leaves the ledger that was there', async () => {
  const restore = start(['restore', path.join(dir, 'whole.tar.gz'), '--force'], target)
  await copying(target)
  restore.kill('SIGINT')
  expect(await restore.ended, restore.said()).toEqual({ code: 130, signal: null })
  expect(restore.said()).toContain('Interrupted. The database is as it was before; run it again.\n')
  await expectUntouched()
})

test('a restore that is killed leaves the ledger that was there', async () => {
  const restore = start(['restore', path.join(dir, 'whole.tar.gz'), '--force'], target)
  await copying(target)
  restore.kill('SIGKILL')
  await restore.ended
  await expectUntouched()
})

test('a server that ends the connection fails both with its reason, and nothing is left of either', async () => {
  const end = (database: TestDatabase) =>
    query(database, `select pg_terminate_backend(pid) from pg_stat_progress_copy where datname = current_database()`)
  const restore = start(['restore', path.join(dir, 'whole.tar.gz'), '--force'], target)
  await copying(target)
  await end(target)
  expect(await restore.ended, restore.said()).toEqual({ code: 1, signal: null })
  expect(restore.said()).toMatch(/error: .*terminat/)
  await expectUntouched()

  const before = await readdir(dir)
  const backup = start(['backup', path.join(dir, 'ended.tar.gz')], source)
  await copying(source)
  await end(source)
  expect(await backup.ended, backup.said()).toEqual({ code: 1, signal: null })
  expect(backup.said()).toMatch(/error: .*terminat/)
  expect(await readdir(dir)).toEqual(before)
})

test('Ctrl-C during a backup leaves no file; one that is killed leaves none of that name', async () => {
  const before = await readdir(dir)
  const stopped = start(['backup', path.join(dir, 'stopped.tar.gz')], source)
  await copying(source)
  stopped.kill('SIGINT')
  expect(await stopped.ended, stopped.said()).toEqual({ code: 130, signal: null })
  expect(stopped.said()).toContain('Interrupted. No file was written; run it again.\n')
  expect(await readdir(dir)).toEqual(before)

  const killed = start(['backup', path.join(dir, 'killed.tar.gz')], source)
  await copying(source)
  killed.kill('SIGKILL')
  await killed.ended
  expect(await readdir(dir)).not.toContain('killed.tar.gz')
  await until('its session is gone', async () => (await sessionsOf(source)).length === 0)
})

test('after all that the same restore goes through', async () => {
  const restore = start(['restore', path.join(dir, 'whole.tar.gz'), '--force'], target)
  expect(await restore.ended, restore.said()).toEqual({ code: 0, signal: null })
  expect(await query(target, 'select count(*)::int as n from api_requests')).toEqual([{ n: rowsInAll }])
  expect(restore.said()).toMatch(/Restored: 150,\d{3} rows\./)
  expect((await stat(path.join(dir, 'whole.tar.gz'))).mode & 0o777).toBe(0o600)
}, 120_000)

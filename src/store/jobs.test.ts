import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/until.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { connectionConfig } from './drivers/server.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { createNamedSql } from './run-named.ts'
import type { Sql } from './sql.ts'

let database: TestDatabase
let pool: pg.Pool
let sql: Sql

beforeAll(async () => {
  database = await createTestDatabase()
  pool = new pg.Pool({ ...connectionConfig(database.url, 'test'), max: 8 })
  sql = createNamedSql({
    pool,
    clock: systemClock,
    logger: silentLogger,
    slowQueryThresholdMs: 60_000,
    onQuery: () => undefined,
    isReady: () => true,
  })
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

beforeEach(() => pool.query('truncate job_leases, job_runs'))

const jobs = (leaseMs = 60_000, over: Sql = sql): Jobs =>
  createJobs({ sql: over, clock: systemClock, logger: silentLogger, leaseMs })

test('of several instances exactly one does the work, and the history says what it did', async () => {
  let running = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 50))
    running -= 1
    return { rows: 7 }
  }
  const answers = await Promise.all(Array.from({ length: 6 }, () => jobs().run('sweep', { everyMs: 60_000 }, work)))
  const done = answers.filter((answer) => answer !== null)
  expect(done).toHaveLength(1)
  expect(most).toBe(1)
  expect(done[0]).toMatchObject({ name: 'sweep', outcome: 'ok', counts: { rows: 7 }, error: null })
  expect(await jobs().history()).toEqual(done)
})

test('a job is due again when its time has come, a failed one sooner', async () => {
  const age = (seconds: number) =>
    pool.query(`update job_runs set started_at = started_at - $1 * interval '1 second'`, [seconds])
  const terms = { everyMs: 3_600_000, retryMs: 60_000 }
  const fails = async (): Promise<never> => {
    throw new Error('no disk')
  }
  await expect(jobs().run('sweep', terms, fails)).rejects.toThrow('no disk')
  expect(await jobs().run('sweep', terms, async () => ({}))).toBeNull()
  await age(61)
  expect(await jobs().run('sweep', terms, async () => ({}))).toMatchObject({ outcome: 'ok' })
  await age(61)
  expect(await jobs().run('sweep', terms, async () => ({}))).toBeNull()
  // Asked for by a person: at once.
  expect(await jobs().run('sweep', {}, async () => ({}))).toMatchObject({ outcome: 'ok' })
  await age(3_601)
  expect(await jobs().run('sweep', terms, async () => ({}))).toMatchObject({ outcome: 'ok' })

  const history = await jobs().history({ name: 'sweep' })
  expect(history.map((run) => [run.outcome, run.error])).toEqual([
    ['ok', null],
    ['ok', null],
    ['ok', null],
    ['failed', 'no disk'],
  ])
  expect(await jobs().latest()).toMatchObject([{ name: 'sweep', lastSuccessAt: history[0]?.finishedAt }])
})

test('an instance that dies leaves its job to another one once the lease has passed', async () => {
  // What a killed instance leaves: a lease with a while to go, and a run that nobody ends.
  await pool.query(
    `insert into job_leases values ('sweep', '00000000-0000-7000-8000-000000000001', now() + interval '1 hour')`,
  )
  await pool.query(
    `insert into job_runs (id, name, instance) values ('00000000-0000-7000-8000-000000000001', 'sweep', 'dead:1')`,
  )
  expect(await jobs().run('sweep', {}, async () => ({}))).toBeNull()
  await pool.query(`update job_leases set expires_at = now()`)
  expect(await jobs().run('sweep', {}, async () => ({}))).toMatchObject({ outcome: 'ok' })
  const outcomes = (await jobs().history()).map((run) => [run.instance, run.outcome])
  expect(outcomes).toContainEqual(['dead:1', 'abandoned'])
})

test('long work keeps its lease and tells its figures; one whose lease was taken is told to stop', async () => {
  const own = jobs(400)
  let stopped: unknown
  const long = own.run('sweep', {}, async (run) => {
    run.report({ rows: 3 })
    const stop = new Promise<void>((resolve) => {
      run.signal.addEventListener('abort', () => resolve())
    })
    await until('the figures are told', async () => (await own.history())[0]?.counts.rows === 3)
    // Longer than the lease: without renewals somebody else could have it now.
    await until('the lease was renewed', async () => {
      const { rows } = await pool.query(
        `select count(*) as n from job_leases, job_runs where expires_at > started_at + interval '1 second'`,
      )
      return Number(rows[0].n) === 1
    })
    expect(await jobs().run('sweep', {}, async () => ({}))).toBeNull()
    await pool.query(`update job_leases set run_id = gen_random_uuid()`)
    await stop
    stopped = run.signal.reason
    run.signal.throwIfAborted()
    return {}
  })
  await expect(long).rejects.toThrow('the lease of this job was lost')
  expect(stopped).toBeInstanceOf(Error)
})

test('a lease is lost with the database', async () => {
  let away = false
  const flaky: Sql = { query: (...asked) => (away ? Promise.reject(new Error('away')) : sql.query(...asked)) }
  const work = jobs(200, flaky).run('sweep', {}, async (run) => {
    away = true
    await new Promise<void>((resolve) => run.signal.addEventListener('abort', () => resolve()))
    run.signal.throwIfAborted()
    return {}
  })
  await expect(work).rejects.toThrow('lease')
})

test('the history is bounded', async () => {
  await pool.query(`insert into job_runs (id, name, instance, started_at, outcome)
    select gen_random_uuid(), 'sweep', 'x:1', now() - n * interval '1 minute', 'ok' from generate_series(1, 700) as n`)
  await jobs().run('sweep', {}, async () => ({}))
  const { rows } = await pool.query('select count(*)::int as n from job_runs')
  // The run that cleans up counts itself only after it ended.
  expect(rows[0].n).toBeLessThanOrEqual(501)
})

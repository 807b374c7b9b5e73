import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/until.ts'
import { systemClock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import { openStore, type Store, storeConfigSchema } from '../store/index.ts'
import { type RetentionSchedule, retentionJob, startRetention } from './retention.ts'

let database: TestDatabase
let admin: pg.Client
const open: { readonly store: Store; readonly schedule: RetentionSchedule }[] = []
const lines: { event: string; fields: LogFields | undefined }[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query(`create table api_requests_2020_01 partition of api_requests
    for values from ('2020-01-01 00:00+00') to ('2020-02-01 00:00+00')`)
})

afterEach(async () => {
  for (const { store, schedule } of open.splice(0)) {
    await schedule.stop()
    await store.close()
  }
})

afterAll(async () => {
  await admin.end()
  await database.drop()
})

/** An instance of Signalbox, as far as retention goes. */
async function instance(): Promise<RetentionSchedule> {
  const note = (event: string, _message: string, fields?: LogFields): void => void lines.push({ event, fields })
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  const store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: database.url }),
    dataDir: '/nonexistent',
    clock: systemClock,
    logger,
  })
  const schedule = startRetention({ store, clock: systemClock, logger, lookEveryMs: 20 })
  open.push({ store, schedule })
  return schedule
}

test('of several instances one drops what is too old, and all of them know when that was', async () => {
  const instances = await Promise.all([instance(), instance(), instance()])
  await until('every instance knows', () => instances.every((each) => each.state().lastSuccessAt !== null))
  expect(instances.map((each) => each.state().okTotal).sort()).toEqual([0, 0, 1])
  const runs = await admin.query('select name, outcome, counts from job_runs')
  expect(runs.rows).toEqual([
    { name: retentionJob, outcome: 'ok', counts: expect.objectContaining({ partitions_dropped: 1 }) },
  ])
  const { rows } = await admin.query(`select to_regclass('api_requests_2020_01') as gone`)
  expect(rows[0].gone).toBeNull()
  expect(lines.find(({ event }) => event === 'partition_dropped')?.fields).toMatchObject({
    partition: 'api_requests_2020_01',
  })
  expect(lines.filter(({ event }) => event === 'retention_done')).toHaveLength(1)
  // Three months are made ahead, and this one is not over yet.
  expect(instances[0]?.state().partitionDaysAhead).toBeGreaterThan(85)
})

test('a run that fails is said, counted, kept in the history, and tried again when its time has come', async () => {
  await admin.query('truncate job_runs')
  await admin.query(`create table api_requests_2020_02 partition of api_requests
    for values from ('2020-02-01 00:00+00') to ('2020-03-01 00:00+00')`)
  await admin.query('create view holds_it as select * from api_requests_2020_02')
  const schedule = await instance()
  await until('the failure is counted', () => schedule.state().failedTotal === 1)
  await until('the history has it', async () => {
    const { rows } = await admin.query('select outcome, error from job_runs')
    return rows.length === 1 && rows[0].outcome === 'failed' && /holds_it|depend/.test(rows[0].error)
  })
  expect(lines.map(({ event }) => event)).toContain('retention_failed')
  await admin.query('drop view holds_it')
  await admin.query(`update job_runs set started_at = started_at - interval '16 minutes'`)
  await until('it went well', () => schedule.state().okTotal === 1)
})

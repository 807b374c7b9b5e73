import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasPgbouncer, type Pgbouncer, startPgbouncer } from '../../../test/support/pgbouncer.ts'
import { createEmptyDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { until } from '../../../test/support/until.ts'
import { systemClock } from '../../core/clock.ts'
import type { LogFields, Logger } from '../../core/logger.ts'
import { exchangesChannel, openStore, type Store, storeConfigSchema } from '../index.ts'
import { isPooled } from './pooler.ts'

const patience = { timeout: 60_000 }

describe.runIf(hasPgbouncer)('behind a pooler that hands out connections by transaction', patience, () => {
  let database: TestDatabase
  let pooler: Pgbouncer
  let store: Store
  let lines: { event: string; fields: LogFields | undefined }[]

  beforeAll(async () => {
    database = await createEmptyDatabase()
    pooler = await startPgbouncer(database.url)
  })
  afterAll(async () => {
    await pooler.stop()
    await database.drop()
  })
  beforeEach(async () => {
    lines = []
    const note = (event: string, _message: string, fields?: LogFields): void => void lines.push({ event, fields })
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    const config = storeConfigSchema.parse({ databaseUrl: pooler.url })
    store = await openStore({ config, dataDir: '/nonexistent', clock: systemClock, logger })
    await store.ready
  })
  afterEach(() => store.close())

  const connected = async (url: string, work: (client: pg.Client) => Promise<void>): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await work(client)
    } finally {
      await client.end()
    }
  }

  test('it is found, and a server is not taken for one', async () => {
    await connected(pooler.url, async (client) => {
      expect(await isPooled(client, 'auto')).toBe(true)
      expect(await isPooled(client, 'none')).toBe(false)
    })
    await connected(database.url, async (client) => {
      expect(await isPooled(client, 'auto')).toBe(false)
      expect(await isPooled(client, 'transaction')).toBe(true)
    })
  })

  test('recorder and viewers share its connections, and neither is left with what was set for the other', async () => {
    const now = systemClock.now()
    const batches = Array.from({ length: 40 }, (_, batch) =>
      Array.from({ length: 5 }, (_, row) => recordedExchange(now - batch * 10 - row)),
    )
    const before = (await store.queries.tokenStats()).total_requests
    await Promise.all([
      ...batches.map((batch) => store.writeExchanges(batch)),
      ...batches.map(() => store.queries.stats({ from: now - 60_000, to: now, domain: null })),
      ...batches.map((batch) => store.queries.exchangeById(batch[0]?.id ?? '')),
    ])
    expect((await store.queries.tokenStats()).total_requests - before).toBe(200)
    await store.keys.create({
      id: `k_${now}`,
      hash: `${now}`.padEnd(64, '0'),
      domain: 'web',
      name: 'x',
      expiresAt: null,
    })
    expect(await store.keys.revoke(`k_${now}`)).toBe(true)
    expect(lines.filter(({ event }) => event === 'database_not_ready')).toEqual([])
  })

  test('nothing is heard there, so listeners are told to look now and then', async () => {
    const heard: string[] = []
    store.listen(exchangesChannel, (payload) => heard.push(payload))
    await until('the listener is told to look', () => heard.length > 0)
    expect(new Set(heard)).toEqual(new Set(['']))
    expect(store.state().up).toBe(true)
  })

  test('jobs hold their lease and retention does its work', async () => {
    const run = await store.jobs.run('retention', {}, ({ signal }) => store.dropExpired(signal))
    expect(run).toMatchObject({ outcome: 'ok', counts: { partitions_dropped: 0 } })
  })
})

import { rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase, temporaryDataDir } from '../../test/support/postgres.ts'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { until } from '../../test/support/until.ts'
import { systemClock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import type { QueryFinished } from '../core/signals.ts'
import { exchangesChannel, keysChannel, openStore, type Store, storeConfigSchema } from './index.ts'

let database: TestDatabase
let road: Road
let store: Store | undefined
let lines: { event: string; message: string; fields: LogFields | undefined }[]
let finished: QueryFinished[]

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

beforeEach(async () => {
  lines = []
  finished = []
  road = await buildRoad(database.url)
})

afterEach(async () => {
  await store?.close()
  store = undefined
  await road.cut()
})

async function open(config: Record<string, unknown> = {}, dataDir = '/nonexistent'): Promise<Store> {
  const note = (event: string, message: string, fields?: LogFields): void => void lines.push({ event, message, fields })
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: road.url, ...config }),
    dataDir,
    clock: systemClock,
    logger,
    onQuery: (query) => finished.push(query),
  })
  return store
}

/** A TCP road to the database that can be cut and mended: what the store sees of a server that vanishes. */
interface Road {
  readonly url: string
  mend(): Promise<void>
  cut(): Promise<void>
}

async function buildRoad(target: string): Promise<Road> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const listen = async (ownPort: number): Promise<number> => {
    const fresh = createServer((near) => {
      const far = connect(Number(port), hostname)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          sockets.delete(from)
          to.destroy()
        })
      }
    })
    await new Promise<void>((resolve, reject) => fresh.once('error', reject).listen(ownPort, '127.0.0.1', resolve))
    server = fresh
    return (fresh.address() as AddressInfo).port // a TCP server's address has this shape
  }
  const ownPort = await listen(0)
  const url = new URL(target)
  url.port = String(ownPort)
  return {
    url: url.href,
    mend: async () => void (await listen(ownPort)),
    async cut() {
      const open = server
      server = undefined
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => (open === undefined ? resolve(undefined) : open.close(resolve)))
    },
  }
}

const now = systemClock.now()

test('what is written can be asked for, and every statement is told by name', async () => {
  const { ready, writeExchanges, queries, state, ping } = await open()
  await ready
  const record = recordedExchange(now)
  expect(await writeExchanges([record])).toEqual({ inserted: 1, rejected: [] })
  expect((await queries.exchangeById(record.id))?.id).toBe(record.id)
  await until('the listener is connected', () => state().up)
  expect(await ping()).toBe(true)
  expect(state().pool).toMatchObject({ waiting: 0, max: 8 })
  expect(finished.map((query) => [query.name, query.rows, query.failed])).toEqual([
    ['write-exchanges', 1, false],
    ['exchange-by-id', 1, false],
  ])
})

test('a server that is away at the start is waited for, and writes are refused until then', async () => {
  await road.cut()
  const { ready, writeExchanges, queries, state, ping } = await open()
  await expect(writeExchanges([recordedExchange(now)])).rejects.toMatchObject({ code: 'unavailable' })
  await expect(queries.tokenStats()).rejects.toMatchObject({ code: 'unavailable' })
  expect(state().up).toBe(false)
  expect(await ping()).toBe(false)
  await road.mend()
  await ready
  expect((await writeExchanges([recordedExchange(now)])).inserted).toBe(1)
})

test('a store that is closed while its server is away leaves nothing behind', async () => {
  await road.cut()
  const away = await open()
  await away.close()
  await expect(away.ready).rejects.toMatchObject({ code: 'unavailable' })
  store = undefined
})

test('a server that vanishes is noticed, costs only errors, and is used again when it is back', async () => {
  const { ready, writeExchanges, state, listen } = await open()
  const heard: string[] = []
  listen(exchangesChannel, (payload) => heard.push(payload))
  await ready
  await until('the database is up', () => state().up)
  await writeExchanges([recordedExchange(now), recordedExchange(now + 1)])
  await until('the batch is heard of', () => heard.includes('2'))

  await road.cut()
  await until('the database is down', () => !state().up)
  const record = recordedExchange(now + 2)
  await expect(writeExchanges([record])).rejects.toThrow()
  expect(lines.map((line) => line.event)).toContain('database_down')

  await road.mend()
  await until('the database is up again', () => state().up)
  // The empty payload says: something may have been missed.
  await until('the reconnect is heard of', () => heard.includes(''))
  expect((await writeExchanges([record])).inserted).toBe(1)
  await until('the next batch is heard of', () => heard.includes('1'))
})

test('a program that runs while a newer one migrates its database writes nothing more, and says why', async () => {
  const { ready, writeExchanges, queries, state } = await open()
  await ready
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  try {
    await admin.query(`insert into signalbox_migrations values ('9999-newer', '2030-01-01')`)
    await road.cut()
    await until('the database is down', () => !state().up)
    await road.mend()
    await until('the refusal is said', () => lines.some((line) => line.event === 'database_refused'))
    expect(lines.find((line) => line.event === 'database_refused')?.message).toContain('9999-newer')
    await expect(writeExchanges([recordedExchange(now)])).rejects.toMatchObject({ code: 'unavailable' })
    await expect(queries.tokenStats()).rejects.toMatchObject({ code: 'unavailable' })
    // And goes on by itself where the database becomes its own again, as after a restore.
    await admin.query(`delete from signalbox_migrations where name = '9999-newer'`)
    await until('it writes again', async () => {
      const written = await writeExchanges([recordedExchange(now)]).catch(() => null)
      return written !== null
    })
    expect(lines.filter((line) => line.event === 'database_refused')).toHaveLength(1)
  } finally {
    await admin.end()
  }
})

test('a handler that was taken off hears nothing more', async () => {
  const { ready, writeExchanges, listen } = await open()
  const heard: string[] = []
  const gone: string[] = []
  listen(exchangesChannel, (payload) => heard.push(payload))
  const off = listen(exchangesChannel, (payload) => gone.push(payload))
  await ready
  off()
  await until('the listener hears', async () => {
    await writeExchanges([recordedExchange(now)])
    return heard.length > 0
  })
  expect(gone).toEqual([])
})

test('a statement over the threshold is one log line without its values', async () => {
  const { ready, queries } = await open({ slowQueryThresholdMs: 1, readTimeoutMs: 20_000 })
  await ready
  const blocker = new pg.Client({ connectionString: database.url })
  await blocker.connect()
  await blocker.query('begin; lock table rollup_day in access exclusive mode')
  const answer = queries.dailyUsage({ from: now - 1, to: now, account: 'hush-hush', aggregate: true })
  // Not pg_stat_activity, whose picture stays the same within a transaction.
  const waits = `select count(*)::int as n from pg_locks where not granted and relation = 'rollup_day'::regclass`
  await until('the query waits', async () => (await blocker.query(waits)).rows[0].n > 0)
  await blocker.end()
  await answer
  // At this threshold others are slow as well.
  const slow = lines.filter((line) => line.fields?.query_name === 'daily-usage')
  expect(slow).toHaveLength(1)
  expect(slow[0]).toMatchObject({
    message: 'Slow SQL query',
    fields: { query_name: 'daily-usage', threshold_ms: 1, row_count: 0, query_ms: expect.any(Number) },
  })
  expect(JSON.stringify(slow)).not.toMatch(/hush-hush|select/i)
})

test('a dashboard with all its connections taken does not make the database look away', async () => {
  const { ready, queries, ping } = await open({ readerConnections: 1, readTimeoutMs: 20_000 })
  await ready
  const blocker = new pg.Client({ connectionString: database.url })
  await blocker.connect()
  await blocker.query('begin; lock table rollup_day in access exclusive mode')
  const answers = [queries.tokenStats(), queries.tokenStats()]
  const waits = `select count(*)::int as n from pg_locks where not granted and relation = 'rollup_day'::regclass`
  await until('the question waits', async () => (await blocker.query(waits)).rows[0].n > 0)
  expect(await ping()).toBe(true)
  await blocker.end()
  await Promise.all(answers)
})

test('client keys are made, listed and revoked once, and the data plane hears of it', async () => {
  const { ready, keys, listen, state } = await open()
  const heard: string[] = []
  listen(keysChannel, (payload) => heard.push(payload))
  await ready
  await until('the listener is connected', () => state().up)
  const key = { id: 'k_0123456789ab', hash: 'ab'.repeat(32), domain: 'web', name: 'ci', expiresAt: now + 1000 }
  await keys.create(key)
  expect(await keys.all()).toEqual([{ ...key, revokedAt: null }])
  await expect(keys.create({ ...key, id: 'k_other' })).rejects.toMatchObject({ code: '23505' })
  expect(await keys.revoke(key.id)).toBe(true)
  expect(await keys.revoke(key.id)).toBe(false)
  expect(await keys.revoke('k_unknown')).toBe(false)
  expect((await keys.all())[0]?.revokedAt).toEqual(expect.any(Number))
  await until('both changes are heard of', () => heard.filter((id) => id === key.id).length === 2)
})

test('with an embedded server, a killed one costs only a moment, and what was written is there', async () => {
  const dataDir = await temporaryDataDir()
  try {
    const { ready, writeExchanges, queries, state, connectionUrl, close } = await open(
      { databaseUrl: undefined },
      dataDir,
    )
    await ready
    await until('the database is up', () => state().up)
    await writeExchanges([recordedExchange(now)])
    const client = new pg.Client({ connectionString: connectionUrl() })
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query(`select pg_read_file('postmaster.pid') as text`)
    process.kill(Number(rows[0].text.split('\n')[0]), 'SIGKILL')
    await until('the loss is noticed', () => lines.some((line) => line.event === 'database_down'))
    await until('the database is up again', () => state().up)
    await writeExchanges([recordedExchange(now + 1)])
    expect((await queries.tokenStats()).total_requests).toBe(2)
    await client.end().catch(() => undefined)
    await close()
    await expect(new pg.Client({ connectionString: connectionUrl() }).connect()).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    store = undefined
  } finally {
    await store?.close()
    store = undefined
    await rm(dataDir, { recursive: true, force: true })
  }
})

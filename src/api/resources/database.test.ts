import { beforeEach, expect, test } from 'vitest'
import { createFakeDatabase, type FakeDatabase, quietSelf } from '../../../test/support/fake-database.ts'
import { createFakeLedger } from '../../../test/support/fake-ledger.ts'
import { quietProviders } from '../../../test/support/quiet-providers.ts'
import { database as contract } from '../../contract/database.ts'
import { silentLogger } from '../../core/logger.ts'
import { Secret } from '../../core/secret.ts'
import { StoreError } from '../../store/index.ts'
import { createLiveHub } from '../live-hub.ts'
import { apiRoutes } from '../routes.ts'

let now = Date.UTC(2026, 10, 23, 12)
const clock = { now: () => now, monotonic: () => now }
let fake: FakeDatabase
let ask: (headers?: Record<string, string>) => Promise<{ status: number; json: unknown }>

beforeEach(() => {
  fake = createFakeDatabase(now)
  const ledger = createFakeLedger()
  const routes = apiRoutes({
    providers: quietProviders,
    queries: ledger,
    exportRows: ledger.exportRows,
    live: createLiveHub({ clock, version: '0.1.0', clientsLimit: 1, every: () => () => {} }),
    clock,
    logger: silentLogger,
    dashboardKey: new Secret('key'),
    sessionHours: 1,
    setup: () => ({ proxyUrl: '', version: '0.1.0', demo: false, clientKeyRequired: false }),
    ping: async () => true,
    ledgerLagSeconds: () => 0,
    database: { report: fake, self: async () => quietSelf },
  })
  const route = routes.find(({ path }) => path === '/api/database')
  ask = async (headers = { 'x-dashboard-key': 'key' }) => {
    const reply = await route?.handle({
      id: 'r1',
      method: 'GET',
      path: '/api/database',
      params: {},
      query: {},
      headers,
      body: undefined,
      remoteAddress: '10.0.0.1',
      secure: false,
    })
    return { status: reply?.status ?? 0, json: reply?.kind === 'json' ? JSON.parse(reply.body) : null }
  }
})

test('the answer is the contract’s, with a verdict', async () => {
  const { status, json } = await ask()
  expect(status).toBe(200)
  expect(contract.response.parse(json)).toEqual(json)
  expect(json).toMatchObject({
    up: true,
    kind: 'embedded',
    verdict: 'ok',
    findings: [],
    recorder: { lag_seconds: 0.4 },
  })
})

test('nobody reads it without the key', async () => {
  expect((await ask({})).status).toBe(401)
})

test('a database that is away is an answer, not an error', async () => {
  fake.failure = new StoreError('unavailable', 'away')
  const { status, json } = await ask()
  expect(status).toBe(200)
  expect(contract.response.parse(json)).toEqual(json)
  expect(json).toMatchObject({ up: false, verdict: 'critical', tables: null, recorder: { journal_bytes: 1_900_000 } })
})

test('a defect of ours is an error, not a database that is away', async () => {
  fake.failure = new TypeError('a defect')
  expect((await ask()).status).toBe(500)
})

test('viewers of five seconds share one look', async () => {
  await Promise.all([ask(), ask()])
  now += 4_900
  await ask()
  expect(fake.looks).toBe(1)
  now += 200
  await ask()
  expect(fake.looks).toBe(2)
})

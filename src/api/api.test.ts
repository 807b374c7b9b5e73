import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { createFakeDatabase, quietSelf } from '../../test/support/fake-database.ts'
import { createFakeLedger } from '../../test/support/fake-ledger.ts'
import { quietProviders } from '../../test/support/quiet-providers.ts'
import { apiErrorBody } from '../contract/error.ts'
import * as contract from '../contract/index.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import { silentLogger } from '../core/logger.ts'
import { Secret } from '../core/secret.ts'
import { type Queries, StoreError } from '../store/index.ts'
import type { ApiReply, ApiRequest } from './http.ts'
import { createLiveHub } from './live-hub.ts'
import type { ApiQueries } from './queries.ts'
import { apiRoutes } from './routes.ts'
import { wrongKeysPerMinute } from './wrong-keys.ts'

const dashboardKey = 'correct horse battery staple'
const start = Date.UTC(2026, 8, 1, 12)
let now = start
const clock = { now: () => now, monotonic: () => now }
const ledger = createFakeLedger()
let databaseUp = true
let lagSeconds: number | null = 0
let routes: ReturnType<typeof apiRoutes>

function recorded(rest: Partial<RecordedExchange> = {}): RecordedExchange {
  return {
    ...closedExchange({ openedAt: now - 60_000, closedAt: now - 58_000 }),
    costUsd: 0.25,
    priceSource: 'override',
    ...rest,
  }
}

beforeEach(() => {
  now = start
  databaseUp = true
  lagSeconds = 0
  ledger.clear()
  ledger.failure = null
  ledger.questions = 0
  routes = apiRoutes({
    providers: quietProviders,
    queries: ledger,
    live: createLiveHub({ clock, version: '0.1.0', clientsLimit: 1, every: () => () => {} }),
    clock,
    logger: silentLogger,
    dashboardKey: new Secret(dashboardKey),
    sessionHours: 1,
    setup: () => ({ proxyUrl: 'http://127.0.0.1:3000', version: '0.1.0', demo: false, clientKeyRequired: false }),
    ping: async () => databaseUp,
    ledgerLagSeconds: () => lagSeconds,
    database: { report: createFakeDatabase(start), self: async () => quietSelf },
    exportRows: ledger.exportRows,
  })
})

interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly params?: Record<string, string>
}

async function call(url: string, { method = 'GET', headers = {}, body, params = {} }: Sent = {}) {
  const { pathname, searchParams } = new URL(url, 'http://dashboard')
  const route = routes.find(
    (one) => one.method === method && (one.path === pathname || (params.id !== undefined && one.path.includes(':id'))),
  )
  if (route === undefined) throw new Error(`no route ${method} ${pathname}`)
  const query: Record<string, string | string[]> = {}
  for (const name of new Set(searchParams.keys())) {
    const values = searchParams.getAll(name)
    query[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  const request: ApiRequest = {
    id: 'r1',
    method,
    path: pathname,
    params,
    query,
    headers: { host: 'dashboard', ...headers },
    body,
    remoteAddress: '10.0.0.1',
    secure: false,
  }
  const reply: ApiReply = await route.handle(request)
  return {
    reply,
    status: reply.status,
    headers: reply.headers,
    json: reply.kind === 'json' ? JSON.parse(reply.body) : null,
  }
}

const withKey = { 'x-dashboard-key': dashboardKey }
const get = (url: string, params?: Record<string, string>) => call(url, { headers: withKey, ...(params && { params }) })

async function signIn() {
  const { headers, json, status } = await call('/api/session', { method: 'POST', body: { key: dashboardKey } })
  expect(status).toBe(201)
  return {
    cookie: (headers['set-cookie'] ?? '').split(';')[0] ?? '',
    setCookie: headers['set-cookie'] ?? '',
    csrf: json.csrf_token as string,
  }
}

test('what the store answers is what the API asks for', () => {
  // Checked by the compiler.
  expectTypeOf<Queries>().toExtend<ApiQueries>()
})

describe('health', () => {
  test('says exactly what monitors compare', async () => {
    expect((await call('/health')).reply).toMatchObject({ status: 200, body: '{"status":"ok","database":"connected"}' })
    databaseUp = false
    expect((await call('/health')).reply).toMatchObject({
      status: 503,
      body: '{"status":"degraded","database":"disconnected"}',
    })
    expect((await call('/health', { method: 'HEAD' })).reply).toMatchObject({ status: 503, kind: 'empty' })
  })
})

describe('who may call', () => {
  test('401 without a key, 403 with a wrong one, in the error shape', async () => {
    for (const [headers, status, code] of [
      [{}, 401, 'unauthenticated'],
      [{ 'x-dashboard-key': 'wrong' }, 403, 'forbidden'],
      [
        {
          cookie:
            'signalbox_session=v1.9999999999999.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
        },
        401,
        'unauthenticated',
      ],
    ] as const) {
      const answer = await call('/api/stats', { headers })
      expect(answer.status).toBe(status)
      expect(apiErrorBody.parse(answer.json).error).toMatchObject({ code, request_id: 'r1' })
    }
    expect((await get('/api/stats')).status).toBe(200)
  })

  test('every endpoint but health and sign-in refuses strangers', async () => {
    for (const route of routes.filter(
      (one) => one.path !== '/health' && !(one.method === 'POST' && one.path === '/api/session'),
    )) {
      const answer = await call(route.path, { method: route.method, params: { id: 'x' } })
      expect([route.path, answer.status]).toEqual([route.path, 401])
    }
  })

  test('a session works until it expires, and not at all after signing out, copies of its cookie included', async () => {
    const { cookie, csrf, setCookie } = await signIn()
    expect(setCookie).toMatch(/; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/)
    expect((await call('/api/live', { headers: { cookie } })).status).toBe(200)
    now += 3_600_001
    expect((await call('/api/live', { headers: { cookie } })).status).toBe(401)
    now = start
    const answer = await call('/api/session', { method: 'DELETE', headers: { cookie, 'x-csrf-token': csrf } })
    expect(answer).toMatchObject({ status: 204, headers: { 'set-cookie': expect.stringContaining('Max-Age=0') } })
    expect((await call('/api/live', { headers: { cookie } })).status).toBe(401)
  })

  test('a call that changes something needs the anti-forgery token and our own origin', async () => {
    const { cookie, csrf } = await signIn()
    const remove = (headers: Record<string, string>) =>
      call('/api/session', { method: 'DELETE', headers: { cookie, ...headers } })
    expect((await remove({})).status).toBe(403)
    expect((await remove({ 'x-csrf-token': 'guess' })).status).toBe(403)
    expect((await remove({ 'x-csrf-token': csrf, origin: 'http://evil.example' })).status).toBe(403)
    expect((await remove({ 'x-csrf-token': csrf, origin: 'http://dashboard' })).status).toBe(204)
  })

  test('guessing keys is slowed down, and whoever is signed in does not notice', async () => {
    const { cookie } = await signIn()
    for (let guess = 0; guess < wrongKeysPerMinute; guess++)
      expect((await call('/api/live', { headers: { 'x-dashboard-key': `guess ${guess}` } })).status).toBe(403)
    const refused = await get('/api/live')
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) } })
    expect((await call('/api/live', { headers: { cookie } })).status).toBe(200)
    now += 60_000
    expect((await get('/api/live')).status).toBe(200)
  })
})

describe('bad input', () => {
  test.each([
    ['/api/stats?since=yesterday', 'since'],
    ['/api/stats?since=2026-09-02&until=2026-09-01', 'until'],
    ['/api/stats?domian=web', 'domian'],
    ['/api/stats?domain=a&domain=b', 'domain'],
    ['/api/token-usage/current?window=0', 'window'],
    ['/api/token-usage/daily?days=99999', 'days'],
    ['/api/token-usage/daily?aggregate=perhaps', 'aggregate'],
    ['/api/timeline', 'from'],
    ['/api/timeline?from=2020-01-01&to=2026-01-01', 'from'],
    ['/api/requests?from=2026-08-31&to=2026-09-02&limit=201', 'limit'],
    ['/api/requests?from=2026-08-31&to=2026-09-02&cursor=nonsense', 'cursor'],
    ['/api/requests?from=2026-01-01&to=2026-09-02', 'from'],
    ['/api/requests?from=2026-08-31&to=2026-09-02&domain=%00', 'domain'],
  ])('%s names %s', async (url, field) => {
    const answer = await get(url)
    expect(answer.status).toBe(400)
    expect(answer.json.error).toMatchObject({ code: 'invalid_request', field, message: expect.stringContaining(field) })
    expect(ledger.questions).toBe(0)
  })

  test('a parameter that is given twice', async () => {
    const { json } = await get('/api/stats?domain=a&domain=b')
    expect(json.error.message).toBe('query parameter `domain`: is given more than once')
  })

  test('a body of the wrong shape and an id that is none', async () => {
    expect((await call('/api/session', { method: 'POST', body: { key: 5 } })).json.error.field).toBe('key')
    expect((await call('/api/session', { method: 'POST', body: undefined })).status).toBe(400)
    expect((await get('/api/requests/x', { id: 'x' })).json.error.field).toBe('id')
    expect((await get('/api/requests/x', { id: '01990000-0000-7000-8000-00000000000f' })).status).toBe(404)
  })
})

describe('answers', () => {
  beforeEach(() => {
    ledger.add(
      recorded(),
      recorded({
        id: '01990000-0000-7000-8000-000000000002',
        openedAt: start - 120_000,
        outcome: 'provider_error',
        errorType: 'provider_overloaded',
        errorMessage: 'Overloaded',
        statusCode: 529,
        account: 'second',
        usage: { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null },
      }),
      recorded({ id: '01990000-0000-7000-8000-000000000003', openedAt: start - 50 * 3_600_000, domain: 'old' }),
    )
  })

  test('every answer is what the contract says', async () => {
    const range = 'from=2026-09-01&to=2026-09-02'
    const id = '01990000-0000-7000-8000-000000000002'
    for (const [name, url, params] of [
      ['stats', '/api/stats', undefined],
      ['currentUsage', '/api/token-usage/current?window=300', undefined],
      ['currentUsage', '/api/token-usage/current?window=300&accountId=main', undefined],
      ['dailyUsage', '/api/token-usage/daily', undefined],
      ['timeline', `/api/timeline?${range}`, undefined],
      ['requests', `/api/requests?${range}`, undefined],
      ['request', `/api/requests/${id}`, { id }],
      ['live', '/api/live', undefined],
      ['setup', '/api/setup', undefined],
      ['session', '/api/session', undefined],
    ] as const) {
      const { json, status, headers } = await get(url, params)
      expect([url, status]).toEqual([url, 200])
      expect(() => contract.endpoints[name].response.parse(json)).not.toThrow()
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': expect.stringMatching(/private|no-store/),
      })
    }
  })

  test('stats are of the last 24 hours unless told otherwise', async () => {
    expect((await get('/api/stats')).json).toMatchObject({
      total_requests: 2,
      failed_requests: 1,
      error_rate: 0.5,
      cost_usd: 0.5,
    })
    expect((await get('/api/stats?since=2026-08-01')).json).toMatchObject({ total_requests: 3 })
    expect((await get('/api/stats?since=2026-08-01&domain=old')).json).toMatchObject({
      total_requests: 1,
      domain: 'old',
    })
  })

  test('every range tells up to when it is complete, which is null where nobody here knows', async () => {
    const range = 'from=2026-09-01&to=2026-09-02'
    const completeTo = async () =>
      Promise.all(
        ['/api/stats', `/api/timeline?${range}`, '/api/token-usage/daily'].map(
          async (url) => (await get(url)).json.complete_to,
        ),
      )
    const all = (at: string | null) => [at, at, at]
    now = start + 30_000
    expect(await completeTo()).toEqual(all('2026-09-01T12:00:00.000Z'))
    lagSeconds = 600.5
    expect(await completeTo()).toEqual(all('2026-09-01T11:50:00.000Z'))
    lagSeconds = null
    expect(await completeTo()).toEqual(all(null))
    lagSeconds = 0
    // A range of the past is complete to its end, and no further.
    expect((await get('/api/stats?since=2026-08-01&until=2026-08-02')).json.complete_to).toBe(
      '2026-08-02T00:00:00.000Z',
    )
  })

  test('current usage is by account, or of one account, also of one that has used nothing', async () => {
    const { json } = await get('/api/token-usage/current?window=300')
    expect(json.accounts.map((one: { account_id: string }) => one.account_id).sort()).toEqual(['main', 'second'])
    expect(json.tokens_used).toBe(150)
    const one = await get('/api/token-usage/current?accountId=acc_12345&window=300')
    expect(one.json).toMatchObject({ account_id: 'acc_12345', tokens_used: 0, limit: null, percentage: null })
  })

  test('daily usage is one row a day when aggregated, else one per day, domain and model', async () => {
    const daily = (more: string) => get(`/api/token-usage/daily?accountId=main${more}`).then(({ json }) => json.days)
    expect(await daily('&aggregate=true')).toMatchObject([
      { date: '2026-09-01', tokens_used: 150 },
      { date: '2026-08-30' },
    ])
    expect((await daily(''))[0]).toMatchObject({ domain: 'web', model: 'claude-haiku-4-5' })
    expect(await daily('&days=1')).toHaveLength(1)
  })

  test('a timeline has a point for each step, and no percentile where nothing happened', async () => {
    const { json } = await get('/api/timeline?from=2026-09-01T11:50:00Z&to=2026-09-01T12:00:00Z')
    expect(json).toMatchObject({ step_seconds: 60, from: '2026-09-01T11:50:00.000Z' })
    expect(json.points).toHaveLength(10)
    expect(json.points[0]).toMatchObject({ requests: 0, response_time_p95_ms: null, cache_hit_ratio: null })
    expect(json.points[9]).toMatchObject({ requests: 1, response_time_p95_ms: 1500 })
  })

  test('pages follow each other without a gap or a double', async () => {
    for (let index = 10; index < 35; index++)
      ledger.add(
        recorded({ id: `01990000-0000-7000-8000-0000000000${index}`, openedAt: start - (index % 5) * 1000 - 1 }),
      )
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const page: { requests: { id: string }[]; next_cursor: string | null } = (
        await get(`/api/requests?from=2026-09-01&to=2026-09-02&limit=4${cursor ? `&cursor=${cursor}` : ''}`)
      ).json
      ids.push(...page.requests.map((row) => row.id))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(ids).toHaveLength(27)
    expect(new Set(ids).size).toBe(27)
  })

  test('filters narrow the list', async () => {
    const list = (more: string) =>
      get(`/api/requests?from=2026-09-01&to=2026-09-02&${more}`).then(({ json }) => json.requests)
    expect(await list('status=failed')).toMatchObject([{ error_type: 'provider_overloaded', fault: 'provider' }])
    expect(await list('accountId=main')).toMatchObject([{ account_id: 'main' }])
  })

  test('many viewers with one question cost one query, and an unchanged answer is not sent again', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/api/stats')))
    expect(ledger.questions).toBe(1)
    const etag = answers[0]?.headers.etag ?? ''
    const again = await call('/api/stats', { headers: { ...withKey, 'if-none-match': etag } })
    expect(again).toMatchObject({ status: 304, reply: { kind: 'empty' } })
    now += 1001
    await get('/api/stats')
    expect(ledger.questions).toBe(2)
  })
})

describe('failures', () => {
  test('a database that is away is a 503 with a reason, and the live endpoints do not mind', async () => {
    ledger.failure = new StoreError('unavailable', 'connect ECONNREFUSED postgres://user:hunter2@db')
    const answer = await get('/api/stats')
    expect(answer).toMatchObject({ status: 503, json: { error: { code: 'database_unavailable' } } })
    expect((await get('/api/live')).status).toBe(200)
  })

  test('a question that takes too long, and one too many, are named as such', async () => {
    ledger.failure = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' })
    expect(await get('/api/stats')).toMatchObject({ status: 503, json: { error: { code: 'query_timeout' } } })
    now += 1001
    ledger.failure = new StoreError('busy', 'all taken')
    const busy = await get('/api/stats')
    expect(busy).toMatchObject({ status: 503, json: { error: { code: 'database_busy' } } })
    expect(busy.headers['retry-after']).toBe('2')
  })

  test('a defect is a 500 that tells nothing but where to look', async () => {
    ledger.failure = new Error('syntax error in SELECT secret FROM api_requests')
    const answer = await get('/api/stats')
    expect(answer).toMatchObject({ status: 500, json: { error: { code: 'internal', request_id: 'r1' } } })
    expect(JSON.stringify(answer.json)).not.toContain('SELECT')
  })

  test('a failure is not kept for the next one who asks', async () => {
    ledger.failure = new StoreError('unavailable', 'away')
    expect((await get('/api/stats')).status).toBe(503)
    ledger.failure = null
    expect((await get('/api/stats')).status).toBe(200)
  })

  test('one follower more than allowed is refused', async () => {
    const open = await get('/api/sse')
    if (open.reply.kind !== 'stream') throw new Error('not a stream')
    open.reply.open({ write: () => true, queuedBytes: () => 0, end() {}, destroy() {}, onClose() {} })
    expect((await get('/api/sse')).status).toBe(503)
  })
})

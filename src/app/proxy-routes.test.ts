import { request } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../test/support/until.ts'
import { systemClock } from '../core/clock.ts'
import { type Listener, listen } from '../http/listener.ts'
import type { HttpRequestFinished } from '../telemetry/index.ts'
import { proxyRoutes } from './proxy-routes.ts'

const counted: HttpRequestFinished[] = []
let officeIsThere = true
let askedOffice = 0
let listener: Listener

beforeAll(async () => {
  const answer = async <Answer>(value: Answer): Promise<Answer> => {
    askedOffice += 1
    if (officeIsThere) return value
    throw new Error('away')
  }
  const noTokens = { input: 0, output: 0, total: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 }
  const handle = proxyRoutes({
    office: {
      metricsText: () => (officeIsThere ? answer('# metrics\n') : new Promise(() => (askedOffice += 1))),
      tokenStats: () => answer({ total_requests: 0, total_tokens: noTokens, by_domain: {} }),
    },
    metricsToken: undefined,
    clock: systemClock,
    onFinished: (finished) => counted.push(finished),
    dataPlane: (_request, response) => void response.writeHead(204).end(),
  })
  const limits = { headTimeoutMs: 20_000, maxHeaderBytes: 65_536 }
  listener = await listen({ host: '127.0.0.1', port: 0, portSetting: 'PROXY_PORT', ...limits, handle })
})
beforeEach(() => {
  officeIsThere = true
  counted.length = 0
})
afterAll(() => listener.close(0))

test('each request that is no exchange is counted once, with its path, method and status', async () => {
  const asked = [
    ['GET', '/health', 200],
    ['HEAD', '/health', 200],
    ['GET', '/metrics?name=x', 200],
    ['GET', '/token-stats', 200],
    ['HEAD', '/', 204],
    ['HEAD', '/api/hello', 204],
    ['POST', '/api/event_logging/batch', 204],
  ] as const
  for (const [method, path, status] of asked)
    expect((await fetch(listener.url + path, { method })).status, `${method} ${path}`).toBe(status)
  await until('all are counted', () => counted.length === asked.length)
  expect(counted.map(({ method, route, status }) => [method, route, status])).toEqual(
    asked.map(([method, path, status]) => [method, path.replace(/\?.*/, ''), status]),
  )
  for (const { seconds } of counted) expect(seconds).toBeGreaterThanOrEqual(0)
})

test('exchanges are left to their records, so that none is counted twice', async () => {
  for (const [method, path] of [
    ['POST', '/v1/messages'],
    ['GET', '/v1/models'],
    ['GET', '/'],
    ['POST', '/health'],
    ['GET', '/nothing-here'],
  ] as const)
    expect((await fetch(listener.url + path, { method })).status).toBe(204)
  await fetch(`${listener.url}/health`)
  await until('the last one is counted', () => counted.length > 0)
  expect(counted.map(({ route }) => route)).toEqual(['/health'])
})

test('an office that does not answer, and a caller that does not wait, are counted as what they were', async () => {
  officeIsThere = false
  expect((await fetch(`${listener.url}/token-stats`)).status).toBe(503)
  const before = askedOffice
  const leaving = request(`${listener.url}/metrics`)
  leaving.on('error', () => undefined).end()
  await until('the office was asked', () => askedOffice > before)
  leaving.destroy()
  await until('both are counted', () => counted.length === 2)
  expect(counted.map(({ route, status }) => [route, status])).toEqual([
    ['/token-stats', 503],
    ['/metrics', 499],
  ])
})

import { Agent, request as httpRequest } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SimulatedUpstream, startSimulatedUpstream } from '../../test/support/simulated-upstream.ts'
import { systemClock } from '../core/clock.ts'
import { trafficConfig } from './config.ts'
import { busyness } from './daily-curve.ts'
import { createTraffic, type SendTraffic, type Traffic } from './traffic.ts'

const agent = new Agent({ keepAlive: true })
const send: SendTraffic = ({ method, url, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers, agent, signal }, (response) => {
      response.on('error', () => {}) // the reader of the body sees it; a stop behind its end is nobody's business
      resolve({ status: response.statusCode ?? 0, body: response })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })

let upstream: SimulatedUpstream
let traffic: Traffic | undefined
beforeEach(async () => {
  upstream = await startSimulatedUpstream({ config: { servedLog: 10_000 } })
})
afterEach(async () => {
  await traffic?.stop()
  await upstream.stop()
})

function start(settings: Record<string, unknown>): Traffic {
  traffic = createTraffic({
    target: new URL(upstream.url),
    headersOf: () => ({ 'x-api-key': 'sk-ant-demo' }),
    config: trafficConfig.parse({ requestsPerSecond: 200, ...settings }),
    seed: '1',
    clock: systemClock,
    send,
  })
  traffic.start()
  return traffic
}

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!done()) {
    if (performance.now() > deadline) throw new Error('it did not happen within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('agents keep their conversations in order: the provider refuses none of their calls', async () => {
  const running = start({ errorRate: 0, cancelRate: 0, maxContextBytes: 40_000 })
  await until(() => running.stats().succeeded >= 400)
  await running.stop()
  const served = upstream.served().filter((call) => call.ended === 'complete')
  expect(served.filter((call) => call.status !== 200)).toEqual([])
  expect(running.stats().failed).toBe(0)
  const of = (test: (call: (typeof served)[number]) => boolean): number => served.filter(test).length
  expect(of((call) => call.answer.stopReason === 'tool_use')).toBeGreaterThan(20)
  expect(of((call) => call.url.includes('count_tokens'))).toBeGreaterThan(0)
  expect(of((call) => call.agentId !== null)).toBeGreaterThan(0)
  expect(of((call) => !call.stream && call.sessionId === null)).toBeGreaterThan(0)
  expect(of((call) => (call.answer.usage?.cacheRead ?? 0) > 1_000)).toBeGreaterThan(100)
  expect(new Set(served.map((call) => call.headers.host)).size).toBe(4)
  expect(new Set(served.map((call) => call.requestedModel)).size).toBe(3)
})

test('some calls fail and some callers leave', async () => {
  const running = start({ errorRate: 0.2, cancelRate: 0.2 })
  await until(() => running.stats().failed >= 10 && running.stats().cancelled >= 5)
  await running.stop()
  const statuses = new Set(upstream.served().map((call) => call.status))
  for (const status of [200, 429, 529]) expect(statuses).toContain(status)
  expect(running.stats().inFlight).toBe(0)
})

test('calls in flight are bounded, and stopping gives up those that hang', async () => {
  let most = 0
  let now = 0
  traffic = createTraffic({
    target: new URL(upstream.url),
    headersOf: () => ({}),
    config: trafficConfig.parse({ requestsPerSecond: 200, concurrency: 3 }),
    seed: '1',
    clock: systemClock,
    send: ({ signal }) => {
      most = Math.max(most, ++now)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          now--
          reject(signal.reason)
        })
      })
    },
  })
  traffic.start()
  await until(() => (traffic?.stats().skipped ?? 0) > 5)
  await traffic.stop()
  expect(most).toBe(3)
  expect(traffic.stats()).toMatchObject({ sent: 3, inFlight: 0 })
})

test('a day has its night and its peaks, and 1 for its mean', () => {
  const day = 86_400_000
  const levels = Array.from({ length: 24 * 60 }, (_, minute) => busyness((minute / 1_440) * day, day, 'calm'))
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length
  expect(mean).toBeGreaterThan(0.9)
  expect(mean).toBeLessThan(1.5) // bursts lie on top
  expect(Math.min(...levels)).toBeLessThan(0.4)
  expect(Math.max(...levels)).toBeGreaterThan(1.8)
})

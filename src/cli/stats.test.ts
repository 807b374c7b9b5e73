import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Stats } from '../contract/stats.ts'
import { runCli } from './cli.ts'
import type { Programs } from './programs.ts'

const tokens = { input: 100, output: 200, cache_read: 600, cache_write_5m: 60, cache_write_1h: 40, total: 1000 }
const times = { p50: 812.4, p95: 3736, p99: 14208 }
const share = { requests: 60, errors: 3, tokens, cost_usd: 0.3211 }
const answer: Stats = {
  from: '2026-09-01T11:00:00.000Z',
  to: '2026-09-01T12:00:00.000Z',
  complete_to: '2026-09-01T11:59:00.000Z',
  source: 'rollup_minute',
  truncated: false,
  domain: null,
  total_requests: 60,
  failed_requests: 3,
  cancelled_requests: 1,
  error_rate: 0.05,
  requests_per_minute: 1,
  total_tokens: tokens,
  cache_hit_ratio: 0.75,
  cost_usd: 0.3211,
  response_time_ms: times,
  ttft_ms: { p50: 320, p95: null, p99: null },
  by_domain: [{ domain: 'web', ...share }],
  by_model: [
    { provider: 'anthropic', model: 'claude-sonnet-5', ...share, response_time_ms: times },
    { provider: null, model: null, ...share, requests: 1, response_time_ms: { p50: null, p95: null, p99: null } },
  ],
  errors_by_type: [{ error_type: 'provider_overloaded', requests: 3 }],
}
const account = (id: string | null, percentage: number | null) => ({
  ...{ account_id: id, requests: 1, tokens_used: 1000, limit: null, percentage, tokens, cost_usd: 0.1 },
  ...{ window_start: '2026-09-01T07:00:00.000Z', window_end: '2026-09-01T12:00:00.000Z', basis: 'all_tokens' },
  ...{ resets_at: percentage === null ? null : '2026-09-01T16:40:00.000Z', source: 'header', sample_age_seconds: 3 },
})

let server: Server
let asked: URL[] = []
let stats: Stats = answer
let refusal: string | null = null

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://dashboard')
    asked.push(url)
    if (refusal !== null) {
      const error = { code: 'invalid_request', message: refusal, request_id: 'r1', field: 'since' }
      return void response.writeHead(400).end(JSON.stringify({ error }))
    }
    const window = Number(url.searchParams.get('window'))
    const usage = {
      ...{ window, window_start: answer.from, window_end: answer.to, tokens_used: 1000 },
      accounts: [account('main', window === 300 ? 62.04 : null), account(null, 5)],
    }
    response.end(JSON.stringify(url.pathname === '/api/stats' ? stats : usage))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())
beforeEach(() => {
  asked = []
  stats = answer
  refusal = null
})

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const terminal = {
    outIsTty: false,
    showStacks: false,
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
  }
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  const settings = ['--dashboard-port', String(port), '--set', 'api.dashboardApiKey=key']
  // This command asks the running instance and starts nothing.
  const programs = {} as Programs
  const code = await runCli(['stats', ...args, ...settings], { programs, terminal, version: '1.2.3' })
  return { code, ...said }
}

test('the main figures, what they are made of, and the quota that providers told', async () => {
  const { code, out } = await run()
  expect(code).toBe(0)
  expect(out).toBe(`2026-09-01 11:00 to 2026-09-01 12:00 UTC

requests    60 (1.0 a minute)
failed      3 (5.0 %)
cancelled   1
tokens      1,000 (input 100, output 200, cache read 600, cache write 100)
cache hit   75.0 %
cost        $0.3211
total time  p50 812 ms, p95 3,736 ms, p99 14,208 ms
first token p50 320 ms, p95 -, p99 -

domain  requests  failed  tokens  cache hit     cost
web           60       3   1,000     75.0 %  $0.3211

model            requests  failed  tokens  cache hit     cost       p95
claude-sonnet-5        60       3   1,000     75.0 %  $0.3211  3,736 ms
-                       1       3   1,000     75.0 %  $0.3211         -

error                requests
provider_overloaded         3

account  quota    used  resets
main     5 h    62.0 %  2026-09-01 16:40 UTC
`)
})

test('a ledger that is behind says so', async () => {
  stats = { ...answer, complete_to: '2026-09-01T11:30:00.000Z' }
  expect((await run()).out).toContain('\nThe ledger is behind: complete up to 2026-09-01 11:30 UTC')
})

test('the period and the domain are asked for as they were given', async () => {
  await run('--since', '2026-09-01', '--until', '2026-09-02T00:00:00Z', '--domain', 'web', '--source', 'import')
  expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({
    since: '2026-09-01',
    until: '2026-09-02T00:00:00Z',
    domain: 'web',
    source: 'import',
  })
  asked = []
  const before = Date.now()
  await run('--last', '7d')
  const since = Date.parse(asked[0]?.searchParams.get('since') ?? '')
  expect(since).toBeGreaterThanOrEqual(before - 7 * 86_400_000 - 1)
  expect(since).toBeLessThanOrEqual(Date.now() - 7 * 86_400_000)
  expect(asked[0]?.searchParams.has('until')).toBe(false)
})

test.each([
  [['--last', 'yesterday'], 'Write it as 15m, 12h, 7d or 4w.'],
  [['--last', '0h'], 'Write it as'],
  [['--source', 'dream'], 'Allowed choices are wire, import, all'],
  [['--last', '1h', '--since', '2026-09-01'], '--last ends now'],
])('%j is misuse and asks nothing', async (args, words) => {
  const { code, out, err } = await run(...args)
  expect({ code, out, asked: asked.length }).toEqual({ code: 2, out: '', asked: 0 })
  expect(err).toContain(words)
})

test('what the dashboard refuses is told in its words', async () => {
  refusal = 'query parameter `since`: must be an ISO 8601 time'
  const { code, err } = await run('--since', 'yesterday')
  expect(code).toBe(2)
  expect(err).toContain('error: query parameter `since`: must be an ISO 8601 time\n')
})

test('--json is the answer of the API with the quota beside it', async () => {
  expect(JSON.parse((await run('--json')).out)).toEqual({
    ...answer,
    quota: [{ account: 'main', window: '5 h', percentage: 62.04, resets_at: '2026-09-01T16:40:00.000Z' }],
  })
})

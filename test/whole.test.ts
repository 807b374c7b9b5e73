// The whole program in one process, as its users meet it: real HTTP, a real database, the simulated provider.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSignalbox, type Signalbox } from '../src/app/signalbox.ts'
import { configSchema } from '../src/config/schema.ts'
import { createTestDatabase, type TestDatabase } from './support/postgres.ts'

let database: TestDatabase
let signalbox: Signalbox
let client: pg.Client
const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-whole-'))
const stdout: string[] = []
const callsSent = { ok: 4, bad: 2 }

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

// biome-ignore lint/suspicious/noExplicitAny: only looked into by expectations.
type Json = any
const getJson = async (url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: Json }> => {
  const response = await fetch(url, { headers })
  return { status: response.status, body: await response.json() }
}
const ask = (name: string): Promise<{ status: number; body: Json }> =>
  getJson(`${signalbox.dashboardUrl}${name}`, { 'x-dashboard-key': signalbox.dashboardKey })
const call = (body: string): Promise<Response> =>
  fetch(`${signalbox.proxyUrl}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

beforeAll(async () => {
  database = await createTestDatabase()
  const config = configSchema.parse({
    dataDir: folder,
    http: { proxyPort: 0, dashboardPort: 0 },
    store: { databaseUrl: database.url },
    providers: { default: 'simulated' },
    telemetry: { logFile: path.join(folder, 'app.log') },
  })
  signalbox = await createSignalbox({
    config,
    stdout: new Writable({
      write(chunk, _encoding, done) {
        stdout.push(String(chunk))
        done()
      },
    }),
  })
  for (let sent = 0; sent < callsSent.ok; sent++) {
    const stream = sent % 2 === 1
    const response = await call(
      JSON.stringify({
        model: 'claude-3-opus-20240229',
        messages: [{ role: 'user', content: 'test' }],
        max_tokens: 10,
        stream,
      }),
    )
    await response.arrayBuffer()
    expect(response.status).toBe(200)
  }
  for (let sent = 0; sent < callsSent.bad; sent++) expect((await call('{')).status).toBe(400)
  client = new pg.Client(database.url)
  await client.connect()
  await until(async () => {
    const { rows } = await client.query('SELECT count(*)::int AS n FROM api_requests')
    return rows[0].n === callsSent.ok + callsSent.bad
  })
})
afterAll(async () => {
  await client?.end()
  await signalbox?.stop({ graceMs: 1000 })
  await database?.drop()
  rmSync(folder, { recursive: true, force: true })
})

describe('the proxy', () => {
  test.each(['GET', 'HEAD'])('answers %s /health without asking anybody', async (method) => {
    const response = await fetch(`${signalbox.proxyUrl}/health`, { method })
    expect([response.status, await response.text()]).toEqual([200, method === 'GET' ? '{"status":"ok"}' : ''])
  })

  test('gives a Prometheus the exposition on /health', async () => {
    const response = await fetch(`${signalbox.proxyUrl}/health`, {
      headers: { accept: 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
    })
    expect(response.headers.get('vary')).toContain('Accept')
    expect(await response.text()).toContain('http_requests_total{')
  })

  test('counts on /metrics what went through', async () => {
    const text = await (await fetch(`${signalbox.proxyUrl}/metrics`)).text()
    expect(text).toContain(`claude_proxy_requests_total{domain="127.0.0.1"} ${callsSent.ok + callsSent.bad}`)
    expect(text).toContain(`http_requests_total{method="POST",route="/v1/messages",status="400"} ${callsSent.bad}`)
    expect(text).toContain('http_requests_total{method="HEAD",route="/health",status="200"} 1')
  })

  test('adds up /token-stats from the ledger, by domain', async () => {
    const { body } = await getJson(`${signalbox.proxyUrl}/token-stats`)
    const { rows } = await client.query(
      'SELECT sum(input_tokens)::int AS input, sum(output_tokens)::int AS output FROM api_requests',
    )
    expect(body).toMatchObject({ total_requests: callsSent.ok + callsSent.bad, total_tokens: rows[0] })
    expect(body.by_domain['127.0.0.1'].tokens).toEqual(body.total_tokens)
    expect(body.total_tokens.output).toBeGreaterThan(0)
  })
})

describe('the dashboard', () => {
  test.each(['GET', 'HEAD'])('answers %s /health with the state of the database', async (method) => {
    const response = await fetch(`${signalbox.dashboardUrl}/health`, { method })
    expect([response.status, await response.text()]).toEqual([
      200,
      method === 'GET' ? '{"status":"ok","database":"connected"}' : '',
    ])
  })

  test('refuses without a key and with a wrong one', async () => {
    expect((await getJson(`${signalbox.dashboardUrl}/api/stats`)).status).toBe(401)
    const wrong = await getJson(`${signalbox.dashboardUrl}/api/stats`, { 'x-dashboard-key': 'wrong' })
    expect(wrong.status).toBe(403)
    expect(wrong.body.error).toMatchObject({
      code: expect.any(String),
      message: expect.any(String),
      request_id: expect.any(String),
    })
  })

  test('shows the statistics of the last day', async () => {
    const { status, body } = await ask('/api/stats')
    expect(status).toBe(200)
    expect(JSON.stringify(body)).toContain('caller_invalid_request')
  })

  test('shows current usage by account, and of one account', async () => {
    const all = await ask('/api/token-usage/current?window=300')
    expect(JSON.stringify(all.body)).toContain('"tokens_used"')
    const one = await ask('/api/token-usage/current?window=300&accountId=simulated')
    expect(one.status).toBe(200)
    expect(JSON.stringify(one.body)).toContain('simulated')
  })

  test('shows usage by day', async () => {
    const { status, body } = await ask('/api/token-usage/daily?accountId=simulated&aggregate=true')
    expect(status).toBe(200)
    expect(JSON.stringify(body)).toContain(new Date().toISOString().slice(0, 10))
  })

  test('serves its own metrics behind the key', async () => {
    expect((await fetch(`${signalbox.dashboardUrl}/metrics`)).status).toBe(401)
    const response = await fetch(`${signalbox.dashboardUrl}/metrics`, {
      headers: { 'x-dashboard-key': signalbox.dashboardKey },
    })
    expect(await response.text()).toContain('signalbox_sse_connections 0')
  })
})

describe('the ledger, by SQL', () => {
  test('has latency, errors and running cost in the columns that the guides use', async () => {
    const latency = await client.query(
      `SELECT date_trunc('hour', created_at) AS hour, avg(response_time_ms) AS mean, percentile_cont(0.95) WITHIN GROUP (ORDER BY response_time_ms) AS p95
       FROM api_requests WHERE created_at > now() - interval '24 hours' GROUP BY hour`,
    )
    expect(latency.rows[0].p95).toBeGreaterThan(0)
    const errors = await client.query(
      `SELECT status_code, error_type, count(*)::int AS count, array_agg(DISTINCT domain) AS domains FROM api_requests WHERE status_code >= 400 GROUP BY 1, 2`,
    )
    expect(errors.rows).toEqual([
      { status_code: 400, error_type: 'caller_invalid_request', count: callsSent.bad, domains: ['127.0.0.1'] },
    ])
    const cost = await client.query(
      `SELECT sum(cost_usd)::float8 AS cost, sum(input_tokens * 0.000015 + output_tokens * 0.000075)::float8 AS by_guide FROM api_requests WHERE model = 'claude-3-opus-20240229'`,
    )
    expect(cost.rows[0].cost).toBeCloseTo(cost.rows[0].by_guide, 9)
  })

  test('has rollups that add up to it', async () => {
    for (const tier of ['minute', 'hour', 'day']) {
      const { rows } = await client.query(
        `SELECT (SELECT sum(requests)::int FROM rollup_${tier}) AS rolled, (SELECT sum(output_tokens)::int FROM rollup_${tier}) AS output,
                count(*)::int AS counted, sum(output_tokens)::int AS output_counted FROM api_requests`,
      )
      expect([rows[0].rolled, rows[0].output]).toEqual([rows[0].counted, rows[0].output_counted])
    }
  })
})

test('every line on standard output is one JSON object', () => {
  const lines = stdout.join('').split('\n').filter(Boolean)
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), message: expect.any(String) })
})

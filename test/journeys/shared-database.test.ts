// Several processes on one database: a dashboard away from its proxy, and a demo where client keys are demanded.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventsOf } from '../../src/cli/server-events.ts'
import { call } from '../support/callers.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { freePort, type SignalboxProcess, spawnSignalbox } from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const dashboardKey = 'the key of the shared dashboard'
const shared = {
  DEFAULT_PROVIDER: 'simulated',
  KEY_PEPPER: 'the-pepper-that-all-machines-of-this-test-share',
  DASHBOARD_API_KEY: dashboardKey,
}

let folder: string
let database: TestDatabase
const running: SignalboxProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'signalbox-shared-'))
})
beforeEach(async () => {
  database = await createTestDatabase()
  return async () => {
    for (const one of running) one.signal('SIGTERM')
    for (const one of running.splice(0)) expect(await one.exit, one.output()).toEqual({ code: 0, signal: null })
    await database.drop()
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Another machine, as far as one machine can be one: a data directory of its own, and the database in common. */
async function start(
  command: 'proxy' | 'dashboard' | 'demo',
  env: Readonly<Record<string, string>> = {},
): Promise<SignalboxProcess & { readonly dashboardUrl: string }> {
  const dashboardPort = await freePort()
  const process = spawnSignalbox({
    command,
    dataDir: mkdtempSync(path.join(folder, `${command}-`)),
    proxyPort: await freePort(),
    dashboardPort,
    env: { ...shared, DATABASE_URL: database.url, ...env },
  })
  running.push(process)
  await process.ready()
  return { ...process, dashboardUrl: `http://127.0.0.1:${dashboardPort}` }
}

test('a dashboard that runs alone shows live what its proxies elsewhere record', async () => {
  const [proxy, other, dashboard] = await Promise.all([start('proxy'), start('proxy'), start('dashboard')])
  const live = await fetch(`${dashboard.dashboardUrl}/api/sse`, { headers: { 'x-dashboard-key': dashboardKey } })
  const seen: string[] = []
  let last = ''
  const following = (async () => {
    for await (const { event, data } of eventsOf(live)) {
      last = event
      if (event === 'exchange') seen.push(JSON.parse(data).id)
    }
  })()
  const simulate = 'ttft=0;output-tokens=10;tps=1000'
  const calls = [
    await call(proxy.proxyUrl, { simulate }),
    await call(proxy.proxyUrl, { simulate, stream: true }),
    await call(other.proxyUrl, { simulate }),
  ]
  await until('all calls arrived', () => calls.every(({ id }) => id !== null && seen.includes(id)))
  // Each was told once, whatever the number of notifications.
  expect([...seen].sort()).toEqual(calls.map(({ id }) => id).sort())
  const answer = await fetch(`${dashboard.dashboardUrl}/api/live`, { headers: { 'x-dashboard-key': dashboardKey } })
  expect(await answer.json()).toMatchObject({ figures: { finished_total: calls.length } })
  dashboard.signal('SIGTERM')
  await following
  expect(last).toBe('goodbye')
})

test('the demo gets through a database that has client keys, and leaves none behind', async () => {
  const signalbox = (...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const env = { ...shared, PATH: process.env.PATH, DATABASE_URL: database.url, DATA_DIR: path.join(folder, 'keys') }
      execFile(main, args, { env, cwd: folder }, (error, out) => (error === null ? resolve(out) : reject(error)))
    })
  const key = (await signalbox('keys', 'create', '--domain', 'real')).trim()
  const demo = await start('demo')
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    const domains = await until('calls of the demo are recorded', async () => {
      const { rows } = await client.query('SELECT domain, key_id, outcome, error_type FROM api_requests')
      expect(rows.filter(({ error_type: type }) => String(type).startsWith('caller_un'))).toEqual([])
      const served = rows.filter(({ outcome }) => outcome === 'ok')
      const domains = new Set(served.map(({ domain }) => domain))
      return served.length >= 20 && domains.size >= 2 && domains
    })
    expect(domains).not.toContain('real')
    // The demo's own keys open nothing for others, and the real one works as ever.
    expect((await call(demo.proxyUrl)).status).toBe(401)
    const withKey = await fetch(`${demo.proxyUrl}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ model: 'claude-x', messages: [{ role: 'user', content: 'hi' }] }),
    })
    expect(withKey.status).toBe(200)
    const { rows } = await client.query('SELECT domain FROM client_keys')
    expect(rows).toEqual([{ domain: 'real' }])
  } finally {
    await client.end()
  }
})

// The monitoring guide's `grep "Slow SQL query"`, in each kind of process and in a command.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/callers.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { freePort, type SignalboxProcess, spawnSignalbox } from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const dashboardKey = 'the key of this dashboard'
const running: SignalboxProcess[] = []
let folder: string
let database: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'signalbox-slow-'))
  database = await createTestDatabase()
  // Connecting is part of what a statement takes, so with this threshold some are always slow.
  env = {
    DATABASE_URL: database.url,
    SLOW_QUERY_THRESHOLD_MS: '1',
    DEFAULT_PROVIDER: 'simulated',
    DASHBOARD_API_KEY: dashboardKey,
  }
})
afterAll(async () => {
  for (const one of running) one.signal('SIGTERM')
  for (const one of running) await one.exit
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(command: 'proxy' | 'dashboard'): Promise<SignalboxProcess & { readonly dashboardUrl: string }> {
  const dashboardPort = await freePort()
  const dataDir = mkdtempSync(path.join(folder, `${command}-`))
  const one = spawnSignalbox({ command, dataDir, proxyPort: await freePort(), dashboardPort, env })
  running.push(one)
  await one.ready()
  return { ...one, dashboardUrl: `http://127.0.0.1:${dashboardPort}` }
}

interface SlowLine {
  readonly query_name: string
  readonly query_ms: number
  readonly row_count: number
}

/** What `grep "Slow SQL query"` finds, read as the JSON that every line is. */
function slowLines(output: string): readonly SlowLine[] {
  const found = output.split('\n').filter((line) => line.includes('Slow SQL query'))
  for (const line of found) expect(line).not.toMatch(/ FROM | INTO | VALUES |api_requests/)
  return found.map((line) => JSON.parse(line))
}

test('a proxy, a dashboard and a command tell their slow statements by name, duration and rows', async () => {
  const [proxy, dashboard] = await Promise.all([start('proxy'), start('dashboard')])
  await call(proxy.proxyUrl, { simulate: 'ttft=0;output-tokens=10;tps=1000' })
  await until('the recorder tells', () =>
    slowLines(proxy.output()).some(({ query_name: name }) => name === 'write-exchanges'),
  )
  const answer = await fetch(`${dashboard.dashboardUrl}/api/database`, { headers: { 'x-dashboard-key': dashboardKey } })
  expect(await answer.json()).toMatchObject({ up: true, kind: 'server' })
  await until('the dashboard tells', () =>
    slowLines(dashboard.output()).some(({ query_name: name }) => name.startsWith('database-')),
  )
  const [line] = slowLines(proxy.output())
  expect(line).toMatchObject({ message: 'Slow SQL query', severity: 'WARNING', threshold_ms: 1 })
  expect(line).toMatchObject({ query_ms: expect.any(Number), row_count: expect.any(Number) })

  const told = await new Promise<string>((resolve, reject) => {
    const own = { PATH: process.env.PATH, ...env, DATA_DIR: path.join(folder, 'keys') }
    execFile(main, ['keys', 'list'], { env: own, cwd: folder }, (error, _out, err) =>
      error === null ? resolve(err) : reject(error),
    )
  })
  expect(slowLines(told).map(({ query_name: name }) => name)).toContain('client-keys')
})

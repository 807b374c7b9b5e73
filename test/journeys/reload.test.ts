// Settings that change while Signalbox runs, as an operator changes them: the built program, its worker a process of its own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { freePort, type SignalboxProcess, spawnSignalbox } from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const dataDir = mkdtempSync(path.join(os.tmpdir(), 'signalbox-reload-'))
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
let database: TestDatabase
let signalbox: SignalboxProcess

const write = (routes: string): void => writeFileSync(path.join(dataDir, 'signalbox.yaml'), routes)
const routeOf = (name: string): string =>
  `routing:\n  routes:\n    - name: ${name}\n      targets: [{ provider: simulated, model: claude-haiku-4-5 }]\n`
const routed = async (): Promise<string | null> => {
  const response = await fetch(`${signalbox.proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-opus-5', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }),
  })
  await response.arrayBuffer()
  return response.headers.get('x-signalbox-route')
}
const logged = (event: string): number => signalbox.output().split(`"${event}"`).length - 1

beforeAll(async () => {
  database = await createTestDatabase()
  write(routeOf('first'))
  signalbox = spawnSignalbox({
    dataDir,
    env: { DATABASE_URL: database.url, DEFAULT_PROVIDER: 'simulated', LOG_FORMAT: 'json' },
    proxyPort: await freePort(),
    dashboardPort: await freePort(),
  })
  await signalbox.ready()
}, 90_000)
afterAll(async () => {
  signalbox?.signal('SIGTERM')
  await signalbox?.exit
  await database?.drop()
  rmSync(dataDir, { recursive: true, force: true })
}, 60_000)

test('reach the workers, those included that start later; a mistake reaches none', { timeout: 180_000 }, async () => {
  expect(await routed()).toBe('first; simulated/claude-haiku-4-5; tries=1')
  write(routeOf('second'))
  await until('the settings are read again', () => logged('config_reloaded') === 1, 60_000)
  await until('the worker has them', async () => (await routed())?.startsWith('second; ') === true, 60_000)

  write(routeOf('third').replace('simulated', 'nobody'))
  await until('the mistake is told', () => logged('config_reload_failed') === 1, 60_000)
  expect(await routed()).toMatch(/^second; /)

  const [worker] = signalbox.workers()
  if (worker === undefined) throw new Error('there is no worker')
  process.kill(worker, 'SIGKILL')
  await until('another worker serves', async () => (await routed().catch(() => null)) !== null, 60_000)
  expect(await routed()).toMatch(/^second; /)
})

test('are explained by a command that needs no running instance', () => {
  write(routeOf('second'))
  const { stdout, status } = spawnSync(
    process.execPath,
    [main, 'route', 'explain', '--model', 'claude-opus-5', '--json'],
    { cwd: dataDir, env: { PATH: process.env.PATH, DEFAULT_PROVIDER: 'simulated' }, encoding: 'utf8' },
  )
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ route: 'second', targets: [{ provider: 'simulated', missing: null }] })
})

// A real Prometheus scrapes a live gateway with traffic, and every panel of every dashboard has something to show.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { z } from 'zod'
import { dashboards } from '../../deploy/grafana/source/dashboards.ts'
import { createSignalbox, type Signalbox } from '../../src/app/signalbox.ts'
import { configSchema } from '../../src/config/schema.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { isInstalled } from './program.ts'

const answered = z.object({ status: z.literal('success'), data: z.object({ result: z.array(z.unknown()) }) })
const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-panels-'))
const closing: (() => Promise<unknown> | unknown)[] = []
let prometheusUrl = ''

/** What callers do: streams and whole answers, mistakes, faults of the provider. */
async function someTraffic(proxyUrl: string): Promise<void> {
  const call = async (headers: Record<string, string>, body: object | string): Promise<void> => {
    const response = await fetch(`${proxyUrl}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    await response.arrayBuffer()
  }
  const body = {
    model: 'claude-sonnet-5',
    max_tokens: 60,
    stream: true,
    system: [{ type: 'text', text: 'A long beginning. '.repeat(600), cache_control: { type: 'ephemeral' } }],
    messages: [{ role: 'user', content: 'Say something.' }],
  }
  await Promise.all([
    call({ 'x-api-key': 'sk-ant-api-test' }, body),
    call({}, { ...body, stream: false }),
    call({ 'x-simulate': 'error=overloaded_error' }, body),
    call({ 'x-simulate': 'error=rate_limit_error' }, body),
    call({ 'x-simulate': 'cut;after-events=3' }, body),
    call({}, '{'),
  ])
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function startPrometheus(proxyUrl: string): Promise<string> {
  const port = await freePort()
  const file = path.join(folder, 'prometheus.yml')
  const job = { job_name: 'ccproxy', static_configs: [{ targets: [new URL(proxyUrl).host] }] }
  writeFileSync(
    file,
    JSON.stringify({ global: { scrape_interval: '2s', scrape_timeout: '2s' }, scrape_configs: [job] }),
  )
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  )
  const exit = new Promise((resolve) => child.once('exit', resolve))
  closing.push(() => {
    child.kill('SIGTERM')
    return exit
  })
  const url = `http://127.0.0.1:${port}`
  await until('Prometheus is ready', async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true)
  return url
}

async function ask(expr: string): Promise<readonly unknown[]> {
  const query = expr.replaceAll('$__rate_interval', '60s')
  const response = await fetch(`${prometheusUrl}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query }),
  })
  return answered.parse(await response.json(), { error: () => `Prometheus refuses: ${expr}` }).data.result
}

describe.skipIf(!isInstalled('prometheus'))('with a real Prometheus', () => {
  beforeAll(async () => {
    const database: TestDatabase = await createTestDatabase()
    closing.push(() => database.drop())
    mkdirSync(path.join(folder, 'backups'))
    const config = configSchema.parse({
      dataDir: folder,
      http: { proxyPort: 0, dashboardPort: 0 },
      store: { databaseUrl: database.url },
      providers: { default: 'simulated' },
      telemetry: { logFile: path.join(folder, 'logs', 'app.log') },
      backup: { dir: path.join(folder, 'backups') },
      simulator: { ttftMs: { median: 30 }, tokensPerSecond: { median: 0 } },
    })
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    const signalbox: Signalbox = await createSignalbox({ config, stdout: sink })
    closing.push(() => signalbox.stop({ graceMs: 1000 }))
    prometheusUrl = await startPrometheus(signalbox.proxyUrl)
    // Until the scrape has seen calls at two times, there is no rate.
    await until('Prometheus has seen calls', async () => {
      await someTraffic(signalbox.proxyUrl)
      // Calls without a pause would keep the scrape from being answered in its time, on a busy machine.
      await wait(500)
      return (await ask('sum(rate(signalbox_requests_total[60s])) > 0')).length > 0
    })
    await someTraffic(signalbox.proxyUrl)
  }, 180_000)

  afterAll(async () => {
    for (const close of closing.reverse()) await close()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(dashboards)(
    'every panel of "$title" shows something',
    async ({ panels }) => {
      for (const { title, queries, mayBeEmpty } of panels) {
        for (const { expr } of queries) {
          // There is no yesterday yet.
          if (mayBeEmpty !== undefined || expr.includes('offset')) await ask(expr)
          else await until(`"${title}" has data: ${expr}`, async () => (await ask(expr)).length > 0, 25_000)
        }
      }
    },
    60_000,
  )

  test('what may be empty elsewhere is full where it has a cause', async () => {
    for (const expr of [
      'signalbox_log_dir_bytes > 0',
      'sum by (error_type) (signalbox_errors_total) > 0',
      'signalbox_backup_last_success_timestamp_seconds',
    ])
      await until(expr, async () => (await ask(expr)).length > 0, 25_000)
  }, 60_000)
})

// Logs that nobody reads, that have no room, that are taken away: calls go on, and what is lost is counted.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseExposition, sumOf } from '../support/exposition.ts'
import { freePort, killQuietly, processesOf } from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly dataDir: string
  metric(name: string, labels?: Record<string, string>): Promise<number>
}

/** `signalbox start` whose standard output is a pipe that nobody reads until the test does. */
async function start(env: (dataDir: string) => Readonly<Record<string, string>>): Promise<Started> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'signalbox-log-'))
  const proxyPort = await freePort()
  const child = spawn(process.execPath, [main, 'start'], {
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      DATA_DIR: dataDir,
      PROXY_PORT: String(proxyPort),
      DASHBOARD_PORT: String(await freePort()),
      DEFAULT_PROVIDER: 'simulated',
      LOG_FORMAT: 'json',
      ...env(dataDir),
    },
  })
  onTestFinished(async () => {
    await until('every process of the test is gone', () => {
      const left = processesOf(dataDir)
      for (const pid of left) killQuietly(pid, 'SIGKILL')
      return left.length === 0
    })
    rmSync(dataDir, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${proxyPort}`
  await until(
    'it answers',
    () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    60_000,
  )
  return {
    child,
    url,
    dataDir,
    async metric(name, labels) {
      return sumOf(parseExposition(await (await fetch(`${url}/metrics`)).text()), name, labels)
    },
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 })

/** The status of a call that is refused at once and makes two long lines. */
function refusedCall(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/${'x'.repeat(250)}`, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Calls until the condition holds; every single one has to be answered. */
async function callUntil(what: string, url: string, condition: () => Promise<boolean>): Promise<number> {
  let calls = 0
  await until(
    what,
    async () => {
      const statuses = await Promise.all(Array.from({ length: 500 }, () => refusedCall(url)))
      calls += statuses.length
      expect(new Set(statuses)).toEqual(new Set([404]))
      return condition()
    },
    90_000,
  )
  return calls
}

test('standard output that nobody reads holds up no call, costs counted lines, and is whole again when it is read', {
  timeout: 180_000,
}, async () => {
  const { child, url, metric } = await start(() => ({}))
  const dropped = () => metric('signalbox_log_dropped_total', { sink: 'stdout' })
  await callUntil('lines are dropped', url, async () => (await dropped()) > 0)
  expect(await metric('signalbox_healthy', { component: 'log' })).toBe(0)
  expect(await metric('process_resident_memory_bytes', { process: 'office' })).toBeLessThan(600e6)

  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await until('the log is well again', async () => (await metric('signalbox_healthy', { component: 'log' })) === 1)
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await exit).toBe(0)
  const lines = text.split('\n').filter((line) => line !== '')
  for (const line of lines) expect(() => JSON.parse(line), line.slice(0, 200)).not.toThrow()
  expect(lines.length).toBeGreaterThan(1_000)
})

test('a disk without room for the log is counted and harms no call', { timeout: 180_000 }, async () => {
  const { child, url, metric } = await start(() => ({ LOG_FILE: '/dev/full' }))
  child.stdout?.resume()
  const errors = () => metric('signalbox_log_write_errors_total', { sink: 'file' })
  await callUntil('writes fail', url, async () => (await errors()) > 0)
  expect(await metric('signalbox_healthy', { component: 'log' })).toBe(0)
  expect(await refusedCall(url)).toBe(404)
})

test('a folder of logs that is removed is made anew, and lines go on in it', { timeout: 180_000 }, async () => {
  const fileOf = (dataDir: string): string => path.join(dataDir, 'logs', 'deep', 'app.log')
  const { child, url, dataDir } = await start((directory) => ({ LOG_FILE: fileOf(directory) }))
  child.stdout?.resume()
  const file = fileOf(dataDir)
  const hasLines = (): boolean => existsSync(file) && readFileSync(file, 'utf8').includes('"anthropic_response"')
  await refusedCall(url)
  await until('the file has lines', hasLines)
  rmSync(path.join(dataDir, 'logs'), { recursive: true })
  await callUntil('a new file has lines', url, async () => hasLines())
  for (const line of readFileSync(file, 'utf8').trim().split('\n').slice(0, -1)) JSON.parse(line)
})

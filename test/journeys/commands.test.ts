// The commands as a person runs them: `npm start` and the built program, with its own database.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/signalbox-process.ts'
import { until } from '../support/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = path.join(root, 'dist/main.js')

let dataDir: string
let env: Record<string, string>
let npm: ChildProcess
const said = { out: '', err: '' }

beforeAll(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'signalbox-commands-'))
  const [proxyPort, dashboardPort] = [await freePort(), await freePort()]
  env = {
    PATH: process.env.PATH ?? '',
    HOME: dataDir,
    DATA_DIR: path.join(dataDir, 'data'),
    PROXY_PORT: String(proxyPort),
    DASHBOARD_PORT: String(dashboardPort),
    DEFAULT_PROVIDER: 'simulated',
  }
  npm = spawn('npm', ['start', '--silent'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  npm.stdout?.on('data', (chunk) => {
    said.out += chunk
  })
  npm.stderr?.on('data', (chunk) => {
    said.err += chunk
  })
  await until('the start', () => said.err.includes('Signalbox is running') || npm.exitCode !== null, 60_000)
  expect(npm.exitCode, said.err).toBeNull()
})

afterAll(async () => {
  if (npm.exitCode === null) npm.kill('SIGTERM')
  await until('npm ends', () => npm.exitCode !== null, 40_000)
  rmSync(dataDir, { recursive: true, force: true })
})

function signalbox(args: readonly string[], more: Record<string, string> = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(main, args, { cwd: dataDir, env: { ...env, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

const call = async (key?: string): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${env.PROXY_PORT}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
    body: JSON.stringify({ model: 'claude-x', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
  })
  await response.arrayBuffer()
  return response.status
}

test('the greeting has both addresses, the key, psql and the line to paste', () => {
  expect(said.err).toContain(`http://127.0.0.1:${env.DASHBOARD_PORT}/#key=`)
  expect(said.err).toContain(`(kept in ${env.DATA_DIR}/dashboard-key)`)
  expect(said.err).toContain(`\nexport ANTHROPIC_BASE_URL=http://127.0.0.1:${env.PROXY_PORT}\n`)
  expect(said.err).toContain('psql ')
})

test('a key made while it runs works at once, is the only way in, and ends when it is revoked', async () => {
  expect(await call()).toBe(200)
  const made = await signalbox(['keys', 'create', '--domain', 'web', '--name', 'ci'])
  expect(made.code, made.err).toBe(0)
  const key = made.out.trim()
  expect(key).toMatch(/^sbx_/)
  await until('the new key works', async () => (await call(key)) === 200 && (await call()) === 401, 20_000)

  const listed: { id: string; domain: string }[] = JSON.parse((await signalbox(['keys', 'list', '--json'])).out)
  expect(listed).toMatchObject([{ domain: 'web', name: 'ci' }])
  expect((await signalbox(['keys', 'revoke', listed[0]?.id ?? ''])).code).toBe(0)
  // Revoking the last key does not open the gateway to everybody.
  await until('the revoked key is refused', async () => (await call(key)) === 403 && (await call()) === 401, 20_000)
})

test('stats and tail show the calls of the running instance', async () => {
  const key = (await signalbox(['keys', 'create', '--domain', 'tailed'])).out.trim()
  await until('the key works', async () => (await call(key)) === 200, 20_000)
  const tail = signalbox(['tail', '--json', '--limit', '1'])
  let followed: Awaited<typeof tail> | undefined
  tail.then((result) => {
    followed = result
  })
  // It may still be connecting, so calls go on until it has seen one.
  await until(
    'a call was followed',
    async () => {
      await call(key)
      return followed !== undefined
    },
    20_000,
  )
  expect(JSON.parse(followed?.out ?? '')).toMatchObject({ domain: 'tailed', status_code: 200 })
  await until('stats show the domain', async () => (await signalbox(['stats'])).out.includes('tailed'), 20_000)
})

test('a second instance on the same data directory says so in one line', async () => {
  const { code, out, err } = await signalbox(['start'], { PROXY_PORT: '0', DASHBOARD_PORT: '0' })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^error: Another Signalbox \(process \d+\) uses the data directory .*DATA_DIR.*\n$/)
})

test('a port that is taken is named with its setting', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    const { code, err } = await signalbox(['start'], {
      DATA_DIR: path.join(dataDir, 'other'),
      PROXY_PORT: '0',
      DASHBOARD_PORT: String(port),
    })
    expect(code).toBe(1)
    expect(err).toContain(`error: Port ${port} on 127.0.0.1 is taken`)
    expect(err).toContain('DASHBOARD_PORT')
    expect(err).not.toContain('    at ')
  } finally {
    other.close()
  }
})

test('beyond loopback it does not start without a key', async () => {
  const { code, err } = await signalbox(['start'], {
    DATA_DIR: path.join(dataDir, 'open'),
    HOST: '0.0.0.0',
    PROXY_PORT: '0',
    DASHBOARD_PORT: '0',
  })
  expect(code).toBe(1)
  expect(err).toContain('error: HOST is 0.0.0.0, which other machines can reach, and no client key exists')
})

test('a signal to npm reaches it: it drains, and every line it wrote on standard output is one JSON object', async () => {
  npm.kill('SIGTERM')
  await until('npm ends after the signal', () => npm.exitCode !== null, 40_000)
  expect(npm.exitCode).toBe(0)
  expect(said.err).toContain('Stopping: no new calls')
  const lines = said.out.trimEnd().split('\n')
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
  await expect(fetch(`http://127.0.0.1:${env.PROXY_PORT}/health`)).rejects.toThrow()
})

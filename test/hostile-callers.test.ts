/**
 * Callers who put keys wherever a request has room, and an upstream that quotes them back: whatever Signalbox writes down
 * about it, on whatever surface, has neither the keys nor the prompts in it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSignalbox, type Signalbox } from '../src/app/signalbox.ts'
import { configSchema } from '../src/config/schema.ts'
import { createTestDatabase, type TestDatabase } from './support/postgres.ts'
import { until } from './support/until.ts'

const mark = '7391forbidden'
const keys = [
  `sk-ant-api03-${mark}AAAA`,
  `sk-proj-${mark}BBBB`,
  `gsk_${mark}CCCC`,
  `AIzaSy${mark}DDDDDDDDDDDDDDDDDDDD`,
  `xai-${mark}EEEE`,
] as const
const prompt = 'prompt-words-8264-forbidden'
const messages = [{ role: 'user', content: prompt }]

let database: TestDatabase
let signalbox: Signalbox
let upstream: Server
let client: pg.Client
let sent = 0
const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-hostile-'))
const logFile = path.join(folder, 'logs', 'app.log')
const stdout: string[] = []

/** Answers every call with an error that quotes all of its headers and its body, as a careless provider might. */
const quotingUpstream = (): Server =>
  createServer((incoming, outgoing) => {
    let body = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk: string) => {
      body += chunk
    })
    incoming.on('end', () => {
      const status = Number(/"status":(\d{3})/.exec(body)?.[1] ?? 401)
      // Prompts are quoted by refusals of content; a server error speaks of the server, and of credentials at the worst.
      const said =
        status < 500 && status !== 429
          ? `${JSON.stringify(incoming.headers)} ${body}`
          : JSON.stringify(incoming.headers)
      outgoing.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
      outgoing.end(JSON.stringify({ type: 'error', error: { type: 'api_error', message: `refused: ${said}` } }))
    })
  })

function send(method: string, target: string, headers: Record<string, string>, body = ''): Promise<number> {
  sent += 1
  const { hostname, port } = new URL(signalbox.proxyUrl)
  return new Promise((resolve) => {
    const outgoing = httpRequest({ hostname, port, method, path: target, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', () => resolve(0))
    outgoing.end(body)
  })
}

/** Bytes that are no request at all. */
function sendRaw(text: string): Promise<void> {
  const { hostname, port } = new URL(signalbox.proxyUrl)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(text))
    socket.on('error', () => resolve()).on('close', () => resolve())
    socket.resume()
  })
}

beforeAll(async () => {
  upstream = quotingUpstream()
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has such an address.
  const { port } = upstream.address() as AddressInfo
  database = await createTestDatabase()
  const config = configSchema.parse({
    dataDir: folder,
    http: { proxyPort: 0, dashboardPort: 0 },
    store: { databaseUrl: database.url },
    providers: { default: 'simulated', simulated: { baseUrl: `http://127.0.0.1:${port}` } },
    telemetry: { logFile, logLevel: 'debug' },
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
  client = new pg.Client(database.url)
  await client.connect()
})

afterAll(async () => {
  await client?.end()
  await signalbox?.stop({ graceMs: 1_000 })
  await database?.drop()
  upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

const filesBelow = (directory: string): string[] =>
  readdirSync(directory).flatMap((name) => {
    const file = path.join(directory, name)
    return statSync(file).isDirectory() ? filesBelow(file) : [file]
  })

const json = { 'content-type': 'application/json' }
const whole = (rest: Record<string, unknown>): string =>
  JSON.stringify({ model: 'claude-opus-5', max_tokens: 5, messages, ...rest })

async function attack(key: string): Promise<void> {
  for (const header of [
    'x-api-key',
    'cookie',
    'user-agent',
    'referer',
    'x-request-id',
    'anthropic-beta',
    'anthropic-version',
  ])
    await send('POST', '/v1/messages', { ...json, [header]: key }, whole({}))
  for (const header of [
    'authorization',
    'proxy-authorization',
    'x-goog-api-key',
    'x-simulate',
    'forwarded',
    'x-forwarded-for',
  ])
    await send('POST', '/v1/messages', { ...json, [header]: `Bearer ${key}` }, whole({ stream: true }))
  for (const header of [
    'x-claude-code-session-id',
    'x-claude-code-agent-id',
    'x-claude-code-parent-agent-id',
    'host',
    'content-type',
    'accept',
  ])
    await send('POST', '/v1/messages', { ...json, [header]: key }, whole({}))
  for (const status of [400, 401, 403, 404, 413, 429, 500, 529])
    await send('POST', '/v1/messages', { ...json, 'x-api-key': key }, whole({ status, system: `${prompt} ${key}` }))
  for (const rest of [
    { model: key },
    { model: `simulated/${key}` },
    { metadata: { user_id: key } },
    { metadata: { user_id: `user_1_account_2_session_${key}` } },
    { metadata: { user_id: JSON.stringify({ session_id: key, device_id: key }) } },
    { system: key, tools: [{ name: key, description: key, input_schema: {} }], service_tier: key, [key]: key },
  ])
    await send('POST', '/v1/messages', json, whole(rest))
  await send('POST', '/v1/messages', json, `{"model":"${key}","messages":[{"role":"user","content":"${prompt}`)
  await send('POST', '/v1/messages/count_tokens', json, whole({ model: key }))
  for (const target of [
    `/v1/messages/${key}`,
    `/v1/models/${key}`,
    `/v1/${key}`,
    `/${key}`,
    `/api/event_logging/${key}`,
  ])
    for (const method of ['GET', 'POST']) await send(method, target, json, method === 'POST' ? whole({}) : '')
  for (const target of ['/v1/messages', '/v1/models', '/health', '/metrics', '/token-stats'])
    await send('GET', `${target}?api_key=${key}&key=${key}`, { accept: `text/plain;version=0.0.4, ${key}/x` })
  await send('POST', `/v1/messages?beta=true&key=${key}`, json, whole({}))
  for (const text of [
    `GET /${key} HTTP/9.9\r\n\r\n`,
    `${key} / HTTP/1.1\r\nhost: ${key}\r\n\r\n`,
    `POST /v1/messages HTTP/1.1\r\nhost: a\r\n${key} broken\r\n\r\n`,
    `POST /v1/messages HTTP/1.1\r\nhost: ${key}\r\ncontent-length: ${key}\r\n\r\n`,
  ])
    await sendRaw(text)
}

test('no key and no prompt is in a log line, a metric, the ledger or the journal', { timeout: 120_000 }, async () => {
  for (const key of keys) await attack(key)
  const settled = `${mark.length}-last.example`
  await send('POST', '/v1/messages', { ...json, host: settled }, '{')
  await until('the last call is in the ledger', async () => {
    const { rows } = await client.query('SELECT 1 FROM api_requests WHERE domain = $1', [settled])
    return rows.length > 0
  })
  const metrics = await (await fetch(`${signalbox.proxyUrl}/metrics`)).text()
  await until('the log has its last line', () => readFileSync(logFile, 'utf8').includes(settled))

  const surfaces: Record<string, string> = { stdout: stdout.join(''), log: readFileSync(logFile, 'utf8'), metrics }
  const tables = await client.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  )
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
    surfaces[`table ${name}`] = rows.map(({ row }) => row).join('\n')
  }
  for (const file of filesBelow(folder)) surfaces[`file ${path.relative(folder, file)}`] = readFileSync(file, 'latin1')

  const found = Object.entries(surfaces).flatMap(([surface, text]) =>
    text.split('\n').flatMap((line) => {
      const at = line.search(new RegExp(`${mark}|${prompt}`, 'i'))
      return at < 0 ? [] : [`${surface}: …${line.slice(Math.max(0, at - 60), at + 20)}…`]
    }),
  )
  expect(found.slice(0, 20)).toEqual([])

  // It was looked for where there is something: every call left its two lines.
  const lines =
    surfaces.log
      ?.trim()
      .split('\n')
      .map((line) => JSON.parse(line)) ?? []
  const responses = lines.filter(({ action }) => action === 'anthropic_response').length
  expect(responses).toBeGreaterThan(sent / 2)
  expect(lines.filter(({ action }) => action === 'anthropic_request')).toHaveLength(responses)
  expect(surfaces.stdout?.trim().split('\n')).toHaveLength(lines.length)
  for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(4_096)
})

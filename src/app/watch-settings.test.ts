import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseExposition, sumOf } from '../../test/support/exposition.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/until.ts'
import { loadConfig } from '../config/load-config.ts'
import { createSignalbox, type Signalbox } from './signalbox.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-reload-'))
const file = path.join(folder, 'signalbox.yaml')
const said: string[] = []
const open: ServerResponse[] = []
const closers: (() => void)[] = []
let database: TestDatabase
let signalbox: Signalbox
let first: string
let second: string

const streamHead =
  'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
const streamEnd = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'

/** Speaks Messages; a stream stays open until the test ends it. */
async function provider(name: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    if (body.stream === true) {
      open.push(response)
      return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamHead)
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        type: 'message',
        model: body.model,
        content: [{ type: 'text', text: name }],
        usage: { input_tokens: 1, output_tokens: 1 },
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const settings = (rest = ''): string => `dataDir: ${folder}
http: { proxyPort: 0, dashboardPort: 0 }
store: { databaseUrl: "${database.url}" }
providers:
  anthropic: { baseUrl: "${first}" }
  custom:
    other: { type: anthropic-compatible, baseUrl: "${second}", dialect: claude }
${rest}`

const write = (text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
const events = (name: string): Record<string, unknown>[] =>
  said
    .join('')
    .split('\n')
    .filter((line) => line.includes(`"${name}"`))
    .map((line) => JSON.parse(line))

const call = async (model: string): Promise<{ text: string; route: string | null }> => {
  const response = await fetch(`${signalbox.proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }),
  })
  const body = (await response.json()) as { content: { text: string }[] }
  return { text: body.content[0]?.text ?? '', route: response.headers.get('x-signalbox-route') }
}
const metric = async (name: string): Promise<number> =>
  sumOf(parseExposition(await signalbox.office.link.metricsText({ redacted: false })), name)

beforeAll(async () => {
  database = await createTestDatabase()
  ;[first, second] = [await provider('first'), await provider('second')]
  write(settings())
  const load = () => loadConfig({ cwd: folder, env: {} })
  signalbox = await createSignalbox({
    config: load().config,
    settings: { file, load },
    stdout: new Writable({
      write(chunk, _encoding, done) {
        said.push(String(chunk))
        done()
      },
    }),
  })
}, 60_000)
afterAll(async () => {
  await signalbox?.stop({ graceMs: 100 })
  for (const close of closers) close()
  await database?.drop()
  rmSync(folder, { recursive: true, force: true })
})

const toOther = `routing:
  routes:
    - name: moved
      when: { models: ["m-*"] }
      targets: [{ provider: other }]
`

test('routes that are added count from the next call on, and a stream under way goes on', {
  timeout: 90_000,
}, async () => {
  expect(await call('m-1')).toMatchObject({ text: 'first' })
  const streaming = await fetch(`${signalbox.proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm-1', max_tokens: 5, stream: true, messages: [{ role: 'user', content: 'x' }] }),
  })
  write(settings(toOther))
  await until('the settings were read again', () => events('config_reloaded').length === 1, 60_000)
  expect(events('config_reloaded')[0]).toMatchObject({ changed: 'routing.routes' })
  expect(await call('m-1')).toMatchObject({ text: 'second', route: expect.stringContaining('moved; other/m-1') })
  expect(await call('n-1')).toMatchObject({ text: 'first' })
  open[0]?.end(streamEnd)
  expect(await streaming.text()).toBe(streamHead + streamEnd)
  expect(await metric('signalbox_config_reload_success')).toBe(1)
})

test('a file with a mistake changes nothing, and the log says what is wrong and where', {
  timeout: 90_000,
}, async () => {
  write(settings(toOther.replace('provider: other', 'provider: othr')))
  await until('the mistake is told', () => events('config_reload_failed').length === 1, 60_000)
  expect(events('config_reload_failed')[0]).toMatchObject({
    level: 'error',
    reason: expect.stringMatching(
      /^signalbox\.yaml:12:29: routing\.routes\.0\.targets\.0\.provider is "othr", .*Did you mean other\?$/,
    ),
  })
  expect(await call('m-1')).toMatchObject({ text: 'second' })
  expect(await metric('signalbox_config_reload_success')).toBe(0)
})

test('a provider that moved is found at its new address; what needs a restart is named', {
  timeout: 90_000,
}, async () => {
  const readBefore = await metric('signalbox_config_reload_timestamp_seconds')
  const text = settings(toOther).replace(second, first).replace('dashboardPort: 0', 'dashboardPort: 0, workers: 2')
  write(text)
  await until('the settings were read again', () => events('config_reloaded').length === 2, 60_000)
  expect(events('config_reloaded')[1]).toMatchObject({ changed: 'providers.custom.other.baseUrl' })
  expect(events('config_restart_needed')).toMatchObject([{ settings: 'http.workers' }])
  expect(await call('m-1')).toMatchObject({ text: 'first', route: expect.stringContaining('other/m-1') })
  expect(await metric('signalbox_config_reload_success')).toBe(1)
  expect(await metric('signalbox_config_reload_timestamp_seconds')).toBeGreaterThan(readBefore)
})

test('the simulated provider can not become the default while the gateway runs', { timeout: 90_000 }, async () => {
  const failed = events('config_reload_failed').length
  write(settings(toOther).replace('providers:', 'providers:\n  default: simulated'))
  await until('the mistake is told', () => events('config_reload_failed').length > failed, 60_000)
  expect(events('config_reload_failed').at(-1)).toMatchObject({ reason: expect.stringContaining('restart for it') })
  expect(await call('n-1')).toMatchObject({ text: 'first' })
})

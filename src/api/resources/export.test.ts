import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createFakeDatabase, quietSelf } from '../../../test/support/fake-database.ts'
import { createFakeLedger } from '../../../test/support/fake-ledger.ts'
import { quietProviders } from '../../../test/support/quiet-providers.ts'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/logger.ts'
import { Secret } from '../../core/secret.ts'
import { serveApi } from '../../http/api-server.ts'
import type { ExportRow } from '../../store/index.ts'
import { errorReply } from '../api-error.ts'
import { createLiveHub } from '../live-hub.ts'
import { apiRoutes } from '../routes.ts'
import type { ExportRows } from './export.ts'

// Real databases and sockets, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const now = Date.UTC(2026, 10, 23, 12)
const clock = { now: () => now, monotonic: () => now }
const asked: Parameters<ExportRows>[0][] = []
/** Pages that were asked for, and iterations that were ended before their time. */
let pages = 0
let ended = 0

beforeEach(() => {
  asked.length = 0
  pages = 0
  ended = 0
})

/** The dashboard's server on a free port, with a ledger that gives `rows`. */
async function serve(rows: (page: number) => readonly ExportRow[] | null | Error): Promise<string> {
  const ledger = createFakeLedger()
  const server = await serveApi({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'DASHBOARD_PORT',
    bodyLimitBytes: 1_000,
    webRoot: null,
    pageHeaders: {},
    newRequestId: () => 'r1',
    refuse: (_status, id) => errorReply('not_found', 'No such path.', id),
    onFinished: () => undefined,
    routes: apiRoutes({
      providers: quietProviders,
      queries: ledger,
      live: createLiveHub({ clock, version: '0.1.0', clientsLimit: 1, every: () => () => {} }),
      clock,
      logger: silentLogger,
      dashboardKey: new Secret('key'),
      sessionHours: 1,
      setup: () => ({ proxyUrl: '', version: '0.1.0', demo: false, clientKeyRequired: false }),
      ping: async () => true,
      ledgerLagSeconds: () => 0,
      database: { report: createFakeDatabase(now), self: async () => quietSelf },
      async *exportRows(question) {
        asked.push(question)
        try {
          for (;;) {
            const page = rows(pages)
            if (page instanceof Error) throw page
            if (page === null) return
            pages += 1
            yield page
          }
        } finally {
          ended += 1
        }
      },
    }),
  })
  onTestFinished(() => server.close())
  return server.url
}

const row = (index: number): ExportRow => ({
  id: recordedExchange(now).id,
  created_at: new Date(now + index),
  error_message: 'x'.repeat(200),
})
const page = (rows: number): ExportRow[] => Array.from({ length: rows }, (_, index) => row(index))
const get = (url: string, query: string, headers: Record<string, string> = { 'x-dashboard-key': 'key' }) =>
  fetch(`${url}/api/export?${query}`, { headers })

/** A download that reads nothing until it is told to. */
async function download(url: string): Promise<IncomingMessage> {
  const request = http.get(`${url}/api/export?format=csv`, { headers: { 'x-dashboard-key': 'key' }, agent: false })
  request.on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return response
}

test('rows come as a file, and the question is the one that was asked', async () => {
  const url = await serve((at) => (at < 3 ? page(2) : null))
  const response = await get(
    url,
    'format=jsonl&from=2026-11-01&to=2026-11-20&source=all&domain=web&accountId=main&status=failed',
  )
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  expect(response.headers.get('content-disposition')).toBe(
    'attachment; filename="signalbox-2026-11-01-2026-11-19.jsonl"',
  )
  expect((await response.text()).trim().split('\n')).toHaveLength(6)
  const [from, to] = [Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 20)]
  expect(asked).toMatchObject([
    { from, to, source: 'all', filter: { domain: 'web', account: 'main', status: 'failed' } },
  ])
})

test('without a question it is all that was measured, as CSV', async () => {
  const url = await serve(() => null)
  const response = await get(url, '')
  expect(response.headers.get('content-type')).toContain('text/csv')
  expect(await response.text()).toMatch(/^id,created_at,/)
  expect(asked).toMatchObject([{ from: Date.UTC(2020, 0, 1), to: now, source: 'wire' }])
})

test.each([
  ['', {}, 401],
  ['', { 'x-dashboard-key': 'wrong' }, 403],
  ['format=xml', { 'x-dashboard-key': 'key' }, 400],
  ['from=2026-11-02&to=2026-11-01', { 'x-dashboard-key': 'key' }, 400],
  ['limit=5', { 'x-dashboard-key': 'key' }, 400],
])('?%s with %j is %d, and the ledger is not asked', async (query, headers, status) => {
  const url = await serve(() => null)
  const response = await get(url, query, headers)
  expect(response.status).toBe(status)
  expect(asked).toHaveLength(0)
})

test('a ledger that is away is an answer of its own, not half a file', async () => {
  const url = await serve(() => Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }))
  const response = await get(url, '')
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'database_unavailable' } })
})

test('a ledger that leaves in the middle breaks the connection, so that half a file does not look whole', async () => {
  const url = await serve((at) => (at < 4 ? page(1_000) : new Error('gone')))
  const response = await get(url, 'format=csv')
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
})

test('who reads slowly is waited for, and who leaves ends the reading of the ledger', async () => {
  const url = await serve(() => page(1_000))
  const response = await download(url)
  // Every page is a quarter of a megabyte; what the sockets hold is read ahead, and no more.
  let before = -1
  await until('no more pages are read', async () => {
    const stands = before === pages
    before = pages
    await new Promise((resolve) => setTimeout(resolve, 200))
    return stands && pages > 0
  })
  expect(pages).toBeLessThan(200)
  expect(ended).toBe(0)
  response.destroy()
  await until('the reading has ended', () => ended === 1)
})

test('four at a time; the fifth is told to wait, until one of them leaves', async () => {
  const url = await serve(() => page(1_000))
  const open = await Promise.all([download(url), download(url), download(url), download(url)])
  const fifth = await get(url, '')
  expect(fifth.status).toBe(503)
  expect(fifth.headers.get('retry-after')).toBe('10')
  open[0]?.destroy()
  await until('there is room again', async () => {
    const next = await get(url, '')
    await next.body?.cancel()
    return next.status === 200
  })
  for (const response of open) response.destroy()
})

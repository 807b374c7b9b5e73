/** The dashboard without the gateway: the built page and the real API over node:http, on a ledger in memory. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type ApiReply,
  type ApiRoute,
  apiRoutes,
  createLiveHub,
  errorReply,
  type LiveHub,
  pageHeaders,
} from '../../../src/api/index.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createFakeDatabase, type FakeDatabase, quietSelf } from '../../support/fake-database.ts'
import { createFakeLedger, type FakeLedger } from '../../support/fake-ledger.ts'
import { quietProviders } from '../../support/quiet-providers.ts'

export const dashboardKey = 'a-key-for-tests'
const webRoot = path.resolve(import.meta.dirname, '../../../dist/web')

export interface TestDashboard {
  readonly url: string
  readonly ledger: FakeLedger
  readonly database: FakeDatabase
  readonly hub: LiveHub
  /** Ends all connections and refuses new ones until `resume`. */
  cutOff(): void
  resume(): void
  /** Calls of the API wait until the returned function is called. */
  hold(): () => void
  setup: { demo: boolean; clientKeyRequired: boolean; proxyUrl: string | null }
  /** How far the ledger is behind the journal, in seconds. */
  lag: { seconds: number }
  close(): Promise<void>
}

export async function startDashboard(): Promise<TestDashboard> {
  const ledger = createFakeLedger()
  const database = createFakeDatabase(systemClock.now())
  const hub = createLiveHub({ clock: systemClock, version: '0.1.0', clientsLimit: 20 })
  const setup: TestDashboard['setup'] = { demo: false, clientKeyRequired: false, proxyUrl: 'http://127.0.0.1:3000' }
  const lag = { seconds: 0 }
  const routes = apiRoutes({
    providers: quietProviders,
    queries: ledger,
    live: hub,
    clock: systemClock,
    logger: silentLogger,
    dashboardKey: new Secret(dashboardKey),
    sessionHours: 12,
    setup: () => ({ version: '0.1.0', ...setup }),
    ping: async () => ledger.failure === null,
    ledgerLagSeconds: () => lag.seconds,
    database: { report: database, self: async () => quietSelf },
    exportRows: ledger.exportRows,
  })
  let away = false
  let held: Promise<void> = Promise.resolve()
  const server = createServer((request, response) => {
    if (away) return void request.socket.destroy()
    void serve(request, response, routes, () => held)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return {
    url: `http://127.0.0.1:${port}`,
    ledger,
    database,
    hub,
    setup,
    lag,
    cutOff() {
      away = true
      server.closeAllConnections()
    },
    resume() {
      away = false
    },
    hold() {
      let release = (): void => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => release()
    },
    async close() {
      hub.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly ApiRoute[],
  held: () => Promise<void>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://dashboard')
  const found = match(routes, request.method ?? 'GET', url.pathname)
  if (found === null && !url.pathname.startsWith('/api/')) return servePage(url.pathname, response)
  if (url.pathname.startsWith('/api/') && url.pathname !== '/api/session') await held()
  const reply =
    found === null
      ? errorReply('not_found', 'No such endpoint.', 'test')
      : await found.route.handle({
          id: 'test-request',
          method: request.method ?? 'GET',
          path: url.pathname,
          params: found.params,
          query: Object.fromEntries(url.searchParams),
          headers: request.headers,
          body: await bodyOf(request),
          remoteAddress: request.socket.remoteAddress ?? '',
          secure: false,
        })
  send(reply, response)
}

function send(reply: ApiReply, response: ServerResponse): void {
  response.writeHead(reply.status, reply.headers)
  if (reply.kind === 'json') response.end(reply.body)
  else if (reply.kind === 'empty') response.end()
  else if (reply.kind === 'file') pipeline(Readable.from(reply.pieces), response).catch(() => response.destroy())
  else {
    response.flushHeaders()
    reply.open({
      write: (chunk) => response.write(chunk),
      queuedBytes: () => response.writableLength,
      end: () => response.end(),
      destroy: () => response.destroy(),
      onClose: (listener) => response.once('close', listener),
    })
  }
}

function match(routes: readonly ApiRoute[], method: string, pathname: string) {
  for (const route of routes) {
    if (route.method !== method) continue
    const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    const found = pattern.exec(pathname)
    if (found !== null) return { route, params: { ...found.groups } }
  }
  return null
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString())
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
}

/** Files by their name; every other path is the page, which knows its own addresses. */
async function servePage(pathname: string, response: ServerResponse): Promise<void> {
  const extension = path.extname(pathname)
  const file = path.join(webRoot, extension in types ? path.normalize(pathname) : 'index.html')
  const content = await readFile(file).catch(() => null)
  if (content === null) return void response.writeHead(404).end()
  response
    .writeHead(200, { ...pageHeaders, 'content-type': types[path.extname(file)] ?? 'application/octet-stream' })
    .end(content)
}

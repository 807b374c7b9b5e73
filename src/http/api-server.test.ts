import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { ApiReply, ApiRoute } from '../core/api-route.ts'
import { serveApi } from './api-server.ts'

vi.setConfig({ testTimeout: 60_000 })

const reply = (status: number, body: unknown): ApiReply => ({
  kind: 'json',
  status,
  headers: {},
  body: JSON.stringify(body),
})

const route = (method: ApiRoute['method'], path: ApiRoute['path']): ApiRoute => ({
  method,
  path,
  auth: 'none',
  handle: async () => reply(200, { method }),
})

async function serve() {
  const server = await serveApi({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'DASHBOARD_PORT',
    bodyLimitBytes: 100,
    webRoot: null,
    pageHeaders: {},
    newRequestId: () => 'r1',
    refuse: (status, requestId) => reply(status, { refused: status, requestId }),
    onFinished: () => undefined,
    routes: [
      route('GET', '/api/things'),
      route('GET', '/api/things/:id'),
      route('POST', '/api/session'),
      route('DELETE', '/api/session'),
    ],
  })
  onTestFinished(() => server.close())
  return server
}

/** Status and body of the answer to these very bytes. */
async function answerTo(port: number, bytes: string): Promise<{ readonly status: number; readonly json: unknown }> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  // A server that refuses a head in its middle may reset what is still on its way.
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return { status: Number(text.split(' ')[1]), json: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) }
}

test('what never reaches a handler is refused in the shape of the API', async () => {
  const { port, url } = await serve()
  for (const [bytes, status] of [
    ['NONSENSE\r\n\r\n', 400],
    [`GET /api/things?since=${'1'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    ['GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
  ] as const)
    expect(await answerTo(port, bytes)).toEqual({ status, json: { refused: status, requestId: 'r1' } })
  const long = await fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat(200)),
  })
  expect([long.status, await long.json()]).toEqual([413, { refused: 413, requestId: 'r1' }])
})

test.each([
  ['POST', '/api/things', 'GET'],
  ['DELETE', '/api/things/7', 'GET'],
  ['GET', '/api/session', 'POST, DELETE'],
])('%s %s is not allowed, and the answer names what is', async (method, path, allow) => {
  const { url } = await serve()
  const response = await fetch(url + path, { method })
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  expect(await response.json()).toEqual({ refused: 405, requestId: 'r1' })
})

test('an address that is not there is no matter of methods', async () => {
  const { url } = await serve()
  const response = await fetch(`${url}/api/nothing`, { method: 'POST' })
  expect([response.status, response.headers.get('allow')]).toEqual([404, null])
})

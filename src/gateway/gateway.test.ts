import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { ClientKey } from '../core/client-key.ts'
import { systemClock } from '../core/clock.ts'
import type { ExchangeClosed, ExchangeEvent } from '../core/exchange.ts'
import { silentLogger } from '../core/logger.ts'
import { Secret } from '../core/secret.ts'
import type { Target } from '../core/upstream.ts'
import { listen } from '../http/listener.ts'
import { createUpstreamClient } from '../http/upstream-client.ts'
import { anthropic } from '../providers/anthropic.ts'
import { toTarget } from '../providers/define.ts'
import { gatewayConfig } from './config.ts'
import { createGatewayRouter, InFlight, Router } from './index.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

async function upstreamOf(answer: Answer): Promise<string> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    answer(request, response, Buffer.concat(chunks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Options {
  readonly settings?: object
  readonly keys?: readonly (ClientKey & { readonly clear: string })[]
  readonly apiKey?: string
  readonly instanceId?: string
  readonly full?: () => boolean
}

/** Everything goes to one target, as in a gateway without routes. */
const routerTo = (target: Target): Router =>
  new Router(
    {
      table: { aliases: {}, rules: [], defaultProvider: target.provider, providers: new Set() },
      targetOf: () => target,
      minuteOfDay: () => 0,
      failoverOnRateLimit: false,
    },
    systemClock,
  )

async function gatewayTo(baseUrl: string, options: Options = {}) {
  const events: ExchangeEvent[] = []
  const upstream = createUpstreamClient()
  const inFlight = new InFlight()
  const keys = options.keys ?? []
  const target = toTarget(anthropic, { baseUrl, ...(options.apiKey && { apiKey: new Secret(options.apiKey) }) })
  const handle = createGatewayRouter({
    config: gatewayConfig.parse(options.settings ?? {}),
    clock: systemClock,
    logger: silentLogger,
    upstream,
    keys: { isEmpty: keys.length === 0, find: (clear) => keys.find((key) => key.clear === clear) ?? null },
    router: routerTo(target),
    accountOf: () => 'caller-abc',
    record(event, written) {
      if (event.kind === 'opened' && options.full?.()) return false
      events.push(event)
      if (written !== undefined) setImmediate(written)
      return true
    },
    instanceId: options.instanceId ?? 'gw-test',
    inFlight,
  })
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PROXY_PORT',
    headTimeoutMs: 5000,
    maxHeaderBytes: 65_536,
    handle,
  })
  cleanups.push(
    () => upstream.close(),
    () => listener.close(0),
  )
  const closed = async (): Promise<ExchangeClosed> => {
    for (let tries = 0; tries < 500; tries++) {
      const found = events.find((event) => event.kind === 'closed')
      if (found?.kind === 'closed') return found
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error('no exchange was closed')
  }
  return { url: listener.url, port: listener.port, events, closed, inFlight }
}

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x',
  content: [],
  stop_reason: 'end_turn',
  usage: {
    input_tokens: 7,
    output_tokens: 5,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 3 },
  },
}
const frame = (type: string, rest: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`
const streamFrames = [
  frame('message_start', { message: { ...message, stop_reason: null, usage: { ...message.usage, output_tokens: 1 } } }),
  frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Grüße 🚂 '.repeat(20) } }),
  frame('content_block_stop', { index: 0 }),
  frame('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } }),
  frame('message_stop', {}),
]
const requestBody =
  '{ "model":"claude-x", "max_tokens": 1e2,"messages":[{"role":"user","content":"h\\u0069 \\/ 12345678901234567890"}], "stream":false }'
/** The answer's JSON; tests say what they expect of it. */
// biome-ignore lint/suspicious/noExplicitAny: only looked into by expectations.
const jsonOf = async (response: Response): Promise<any> => response.json()
const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/messages?beta=true`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('the native path', () => {
  test('passes the request on to the byte, with query string and end-to-end headers', async () => {
    const seen: { url?: string | undefined; raw: string[]; body: string }[] = []
    const upstream = await upstreamOf((request, response, body) => {
      seen.push({ url: request.url, raw: request.rawHeaders, body: body.toString() })
      response.end(JSON.stringify(message))
    })
    const { url } = await gatewayTo(upstream)
    await post(url, requestBody, {
      'anthropic-beta': 'b-2, a-1,  b-2',
      'x-api-key': 'sk-ant-api-1',
      'x-custom': 'ö'.normalize('NFC') === 'ö' ? 'kept' : '',
      'x-forwarded-for': '10.0.0.1',
      cookie: 'a=b',
      'x-signalbox-session': 's',
    })
    expect(seen[0]?.url).toBe('/v1/messages?beta=true')
    expect(seen[0]?.body).toBe(requestBody)
    const header = (name: string): string | undefined =>
      seen[0]?.raw[seen[0].raw.findIndex((one, at) => at % 2 === 0 && one.toLowerCase() === name) + 1]
    expect(header('anthropic-beta')).toBe('b-2, a-1,  b-2')
    expect(header('x-custom')).toBe('kept')
    expect(header('x-api-key')).toBe('sk-ant-api-1')
    for (const gone of ['cookie', 'x-forwarded-for', 'x-signalbox-session', 'authorization'])
      expect(seen[0]?.raw.map((one) => one.toLowerCase())).not.toContain(gone)
  })

  test('passes status, body and end-to-end headers of the answer back unchanged and names the exchange', async () => {
    const text = `{"type":"error", "error":{"type":"rate_limit_error","message":"slow"} }`
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(429, [
        'Request-Id',
        'req_9',
        'Retry-After',
        '7999',
        'X-Odd',
        'one',
        'X-Odd',
        'two',
        'anthropic-ratelimit-unified-status',
        'rejected',
        'content-type',
        'application/json',
      ])
      response.end(text)
    })
    const { url, closed } = await gatewayTo(upstream)
    const response = await post(url, requestBody)
    expect([response.status, await response.text()]).toEqual([429, text])
    expect(response.headers.get('retry-after')).toBe('7999')
    expect(response.headers.get('x-odd')).toBe('one, two')
    expect(response.headers.get('request-id')).toBe('req_9')
    const record = await closed()
    expect(response.headers.get('x-signalbox-request-id')).toBe(record.id)
    expect(record).toMatchObject({
      statusCode: 429,
      outcome: 'provider_error',
      errorType: 'provider_quota_exhausted',
      upstreamRequestId: 'req_9',
      usageSource: 'none',
    })
    expect(record.rateLimitHeaders).toMatchObject({
      'retry-after': '7999',
      'anthropic-ratelimit-unified-status': 'rejected',
    })
  })

  test('records usage of an answer that is no stream from its body', async () => {
    const upstream = await upstreamOf((_request, response) => response.end(JSON.stringify(message)))
    const { url, closed, events } = await gatewayTo(upstream)
    await (
      await post(url, requestBody, {
        'x-claude-code-session-id': 's-1',
        'x-claude-code-agent-id': 'ab12',
        host: 'Web.Example:3000',
      })
    ).text()
    expect(await closed()).toMatchObject({
      statusCode: 200,
      outcome: 'ok',
      model: 'claude-x',
      requestedModel: 'claude-x',
      stopReason: 'end_turn',
      sessionId: 's-1',
      agentId: 'ab12',
      usageSource: 'reported',
      usage: { input: 7, output: 5, cacheRead: 3, cacheWrite5m: 1, cacheWrite1h: 3, reasoning: null },
    })
    expect(events.map((event) => event.kind)).toEqual(['opened', 'closed'])
  })

  test('passes a stream on to the byte and takes the final counts from it', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      for (const one of streamFrames) response.write(one)
      response.end()
    })
    const { url, closed } = await gatewayTo(upstream)
    const response = await post(url, requestBody.replace('false', 'true'))
    expect(await response.text()).toBe(streamFrames.join(''))
    const record = await closed()
    expect(record).toMatchObject({
      streaming: true,
      outcome: 'ok',
      stopReason: 'end_turn',
      usage: { input: 7, output: 42, cacheWrite5m: 1, cacheWrite1h: 3 },
    })
    expect(record.ttftMs).toBeGreaterThan(0)
  })

  test('a compressed answer passes compressed and is metered all the same', async () => {
    const packed = gzipSync(streamFrames.join(''))
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(packed)
    })
    const { url, closed } = await gatewayTo(upstream)
    expect(await (await post(url, requestBody)).text()).toBe(streamFrames.join(''))
    expect(await closed()).toMatchObject({ outcome: 'ok', usage: { output: 42 } })
  })
})

describe('how a call can fail', () => {
  test('a 200 whose stream ends without message_stop is a failure, with what was streamed as a floor', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(streamFrames.slice(0, 3).join(''))
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    const record = await closed()
    expect(record).toMatchObject({
      statusCode: 502,
      outcome: 'provider_error',
      errorType: 'provider_stream_cut',
      usageSource: 'partial',
      failedAfterFirstByte: true,
    })
    expect(record.usage.output).toBeGreaterThan(40)
  })

  test('an error event in a 200 stream decides the outcome', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(
        streamFrames.slice(0, 2).join('') +
          frame('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
      )
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    expect(await closed()).toMatchObject({
      statusCode: 529,
      errorType: 'provider_overloaded',
      errorMessage: 'overloaded_error: Overloaded',
    })
  })

  test('an error event that may quote the prompt is recorded without its words', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(frame('error', { error: { type: 'invalid_request_error', message: 'refused: my secret plan' } }))
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    expect(await closed()).toMatchObject({
      errorType: 'provider_stream_error',
      errorMessage: 'invalid_request_error',
    })
  })

  test('a stream that breaks between two events ends with an error event', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(streamFrames[0], () => setImmediate(() => response.destroy()))
    })
    const { url, closed } = await gatewayTo(upstream)
    const text = await (await post(url, requestBody)).text()
    expect(text.startsWith(streamFrames[0] ?? '?')).toBe(true)
    expect(text).toContain('event: error\ndata: {"type":"error"')
    expect(await closed()).toMatchObject({ statusCode: 502, errorType: 'provider_stream_cut' })
  })

  test('a stream that breaks inside a frame is broken off, not glued together', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`${streamFrames[0]}event: content_blo`, () => setImmediate(() => response.destroy()))
    })
    const { url } = await gatewayTo(upstream)
    await expect((await post(url, requestBody)).text()).rejects.toThrow()
  })

  test('a silent stream is given up, however short it was', async () => {
    const upstream = await upstreamOf(
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamFrames[0]),
    )
    const { url, closed } = await gatewayTo(upstream, { settings: { idleTimeoutMs: 300 } })
    const text = await (await post(url, requestBody)).text()
    expect(text).toContain('timeout_error')
    expect(await closed()).toMatchObject({ statusCode: 504, errorType: 'provider_stream_stalled' })
  })

  test('a caller who leaves aborts the upstream call, and what was seen is recorded', async () => {
    let aborted: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      aborted = resolve
    })
    const upstream = await upstreamOf((_request, response) => {
      response.on('close', aborted)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamFrames[0])
    })
    const { url, closed, inFlight } = await gatewayTo(upstream)
    const leave = new AbortController()
    const response = await fetch(`${url}/v1/messages`, { method: 'POST', body: requestBody, signal: leave.signal })
    await response.body?.getReader().read()
    leave.abort()
    await gone
    expect(await closed()).toMatchObject({
      statusCode: 499,
      outcome: 'cancelled',
      errorType: 'caller_cancelled',
      usageSource: 'partial',
      usage: { input: 7 },
    })
    expect([inFlight.count, inFlight.openStreams]).toEqual([0, 0])
  })

  test('an upstream that nobody listens at is tried again, then reported as unreachable', async () => {
    const { url, closed } = await gatewayTo('http://127.0.0.1:1')
    const response = await post(url, requestBody)
    expect([response.status, (await jsonOf(response)).error.type]).toEqual([502, 'api_error'])
    expect(await closed()).toMatchObject({ attempts: 3, errorType: 'provider_unreachable' })
  })

  test.each([
    ['{', 400, 'caller_invalid_request'],
    ['[]', 400, 'caller_invalid_request'],
    ['{"model":5}', 400, 'caller_invalid_request'],
    ['{"model":"m","stream":"yes"}', 400, 'caller_invalid_request'],
    ['{"messages":[]}', 400, 'caller_invalid_request'],
    [`{"model":"m","pad":"${'x'.repeat(20_000)}"`, 400, 'caller_invalid_request'],
    [`{"model":"m","pad":"${'x'.repeat(80_000)}"}`, 413, 'caller_body_too_large'],
  ])('refuses a malformed or oversized body in the error shape, recorded (%#)', async (body, status, errorType) => {
    const { url, closed } = await gatewayTo('http://127.0.0.1:1', { settings: { maxBodyBytes: 60_000 } })
    const response = await post(url, body)
    const answer = await jsonOf(response)
    expect(response.status).toBe(status)
    expect(answer).toMatchObject({
      type: 'error',
      error: { type: expect.any(String), message: expect.any(String) },
      request_id: expect.any(String),
    })
    expect(response.headers.get('request-id')).toBe(answer.request_id)
    expect(await closed()).toMatchObject({ statusCode: status, errorType, id: answer.request_id })
  })

  test('a body that stops coming is refused', async () => {
    const { port, closed } = await gatewayTo('http://127.0.0.1:1', { settings: { bodyIdleMs: 200 } })
    const socket = connect(port, '127.0.0.1')
    cleanups.push(() => socket.destroy())
    socket.write('POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{')
    const text = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    expect(text).toMatch(/^HTTP\/1.1 408 /)
    expect(await closed()).toMatchObject({ statusCode: 408, errorType: 'caller_invalid_request' })
  })

  test('sheds calls that it could not record', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1', { full: () => true })
    const response = await post(url, requestBody)
    expect([response.status, response.headers.get('retry-after')]).toEqual([529, '5'])
  })
})

describe('who may call', () => {
  const key = { id: 'k_1', hash: '', domain: 'web', name: '', expiresAt: null, revokedAt: null, clear: 'sbx_right' }
  const seen: Record<string, string | undefined>[] = []
  const echo: Answer = (request, response) => {
    seen.push({ apiKey: request.headers['x-api-key'] as string | undefined, bearer: request.headers.authorization })
    response.end(JSON.stringify(message))
  }

  test.each([
    [{ 'x-api-key': 'sbx_right' }],
    [{ authorization: 'Bearer sbx_right' }],
    [{ 'x-signalbox-key': 'sbx_right', 'x-api-key': 'sk-ant-api-caller' }],
  ])('a gateway key is taken from %o and replaced by the key that the gateway owns', async (headers) => {
    const { url, closed } = await gatewayTo(await upstreamOf(echo), { keys: [key], apiKey: 'sk-ant-own' })
    expect((await post(url, requestBody, headers)).status).toBe(200)
    expect(seen.at(-1)).toEqual({ apiKey: 'sk-ant-own', bearer: undefined })
    expect(await closed()).toMatchObject({ keyId: 'k_1', domain: 'web', account: 'anthropic' })
  })

  test("passes the caller's own credential through beside a gateway key", async () => {
    const { url, closed } = await gatewayTo(await upstreamOf(echo), { keys: [key] })
    await post(url, requestBody, { authorization: 'Bearer sbx_right', 'x-api-key': 'sk-ant-api-caller' })
    expect(seen.at(-1)).toEqual({ apiKey: 'sk-ant-api-caller', bearer: undefined })
    expect((await closed()).account).toBe('caller-abc')
  })

  test.each([
    [{}, 401],
    [{ 'x-api-key': 'sbx_wrong' }, 401],
    [{ 'x-api-key': 'sbx_old' }, 403],
    [{ 'x-api-key': 'sbx_revoked' }, 403],
  ])('refuses %o with %i once keys exist, recorded', async (headers, status) => {
    const keys = [
      key,
      { ...key, id: 'k_2', clear: 'sbx_old', expiresAt: 1 },
      { ...key, id: 'k_3', clear: 'sbx_revoked', revokedAt: 1 },
    ]
    const { url, closed } = await gatewayTo('http://127.0.0.1:1', { keys })
    expect((await post(url, requestBody, headers)).status).toBe(status)
    expect((await closed()).statusCode).toBe(status)
  })

  test('a claude.ai login leaves to nowhere but Anthropic itself', async () => {
    const before = seen.length
    const { url, closed } = await gatewayTo(await upstreamOf(echo))
    const response = await post(url, requestBody, { authorization: 'Bearer sk-ant-oat01-secret' })
    expect(response.status).toBe(403)
    expect(await response.text()).not.toContain('secret')
    expect(seen.length).toBe(before)
    expect((await closed()).errorType).toBe('caller_forbidden')
  })

  test('a call that comes back to the gateway is refused', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1', { instanceId: 'gw-loop' })
    expect((await post(url, requestBody, { 'x-signalbox-hop': 'gw-loop' })).status).toBe(508)
  })
})

describe('other paths', () => {
  test('start-up probes are answered without a key', async () => {
    const { url, events } = await gatewayTo('http://127.0.0.1:1', {
      keys: [{ id: 'k', hash: '', domain: 'd', name: '', expiresAt: null, revokedAt: null, clear: 'sbx_x' }],
    })
    for (const path of ['/', '/api/hello']) expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${url}/api/event_logging/batch`, { method: 'POST', body: '{}' })).status).toBe(200)
    expect(events).toEqual([])
  })

  test('an unknown path is a 404 and a wrong method a 405, in the error shape', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1')
    expect((await jsonOf(await fetch(`${url}/nothing`))).error.type).toBe('not_found_error')
    expect((await fetch(`${url}/v1/messages`)).status).toBe(405)
  })

  test('a model list passes through with its query', async () => {
    const upstream = await upstreamOf((request, response) => response.end(`{"data":[],"url":"${request.url}"}`))
    const { url, closed } = await gatewayTo(upstream)
    expect((await jsonOf(await fetch(`${url}/v1/models?limit=1000`))).url).toBe('/v1/models?limit=1000')
    expect(await closed()).toMatchObject({ endpoint: 'models', outcome: 'ok', usageSource: 'none' })
  })
})

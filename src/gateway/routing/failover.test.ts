import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { ExchangeClosed } from '../../core/exchange.ts'
import { silentLogger } from '../../core/logger.ts'
import type { RouteTarget } from '../../core/routing.ts'
import { Secret } from '../../core/secret.ts'
import { listen } from '../../http/listener.ts'
import { createUpstreamClient } from '../../http/upstream-client.ts'
import { anthropic } from '../../providers/anthropic.ts'
import { toTarget } from '../../providers/define.ts'
import { openai } from '../../providers/openai.ts'
import { gatewayConfig } from '../config.ts'
import { createGatewayRouter, InFlight, Router } from '../index.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const ok: Answer = (_request, response) =>
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end('{"type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":1}}')
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(`{"status": ${code} }`)

/** A provider that answers one call after the other as it is told, the last way for ever. */
async function provider(...answers: readonly Answer[]) {
  const seen: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    seen.push(body)
    answers[Math.min(seen.length, answers.length) - 1]?.(request, response, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

interface Setting {
  readonly providers: Readonly<Record<string, string>>
  readonly targets?: readonly Partial<RouteTarget>[]
  readonly failoverOnRateLimit?: boolean
}

async function gateway({ providers, targets = [], failoverOnRateLimit = false }: Setting) {
  const closed: ExchangeClosed[] = []
  const upstream = createUpstreamClient()
  const whole = targets.map((target) => ({
    ...{ provider: 'a', model: null, weight: 1, priority: 0, maxConcurrent: null },
    ...target,
  }))
  const router = new Router(
    {
      table: {
        aliases: {},
        rules: whole.length === 0 ? [] : [{ name: 'mine', when: {}, targets: whole }],
        defaultProvider: 'a',
        providers: new Set(Object.keys(providers)),
      },
      targetOf(name, model) {
        const baseUrl = providers[name]
        if (baseUrl === undefined) return null
        // One that is translated, beside those whose bytes pass.
        const apiKey = new Secret('sk-test')
        return name === 'openai'
          ? toTarget(openai, { baseUrl, apiKey }, model)
          : { ...toTarget(anthropic, { baseUrl }, model), provider: name }
      },
      minuteOfDay: () => 0,
      failoverOnRateLimit,
    },
    systemClock,
  )
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PROXY_PORT',
    headTimeoutMs: 5_000,
    maxHeaderBytes: 65_536,
    handle: createGatewayRouter({
      config: gatewayConfig.parse({}),
      clock: systemClock,
      logger: silentLogger,
      upstream,
      keys: { isEmpty: true, find: () => null },
      router,
      accountOf: () => 'caller',
      record(event, written) {
        if (event.kind === 'closed') closed.push(event)
        if (written !== undefined) setImmediate(written)
        return true
      },
      instanceId: 'test',
      inFlight: new InFlight(),
    }),
  })
  onTestFinished(async () => {
    await upstream.close()
    await listener.close(0)
  })
  const call = (body: object = {}, headers: Record<string, string> = {}, path = '/v1/messages') =>
    fetch(listener.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'claude-opus-5', max_tokens: 5, messages: [], ...body }),
    })
  return { call, closed, router }
}

const inTurn = [{ provider: 'a' }, { provider: 'b', priority: 1 }]

describe('a target that fails before the first byte', () => {
  test.each([500, 502, 503, 529])('with %i: the next one answers, and the caller sees nothing of it', async (code) => {
    const [a, b] = [await provider(status(code)), await provider(ok)]
    const { call, closed } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    const response = await call()
    expect(response.status).toBe(200)
    expect(response.headers.get('x-signalbox-route')).toBe('mine; b/claude-opus-5; tries=2')
    expect(closed).toMatchObject([{ statusCode: 200, outcome: 'ok', attempts: 2, provider: 'b', upstreamStatus: 200 }])
  })

  test('by refusing the connection: the next one answers', async () => {
    const b = await provider(ok)
    const { call } = await gateway({ providers: { a: 'http://127.0.0.1:1', b: b.url }, targets: inTurn })
    expect((await call()).status).toBe(200)
  })

  test('alone in its route: is tried twice more, and its last answer passes as it is', async () => {
    const a = await provider(status(503, { 'x-own': '1' }))
    const { call, closed } = await gateway({ providers: { a: a.url } })
    const response = await call()
    expect([response.status, response.headers.get('x-own'), await response.text()]).toEqual([
      503,
      '1',
      '{"status": 503 }',
    ])
    expect(a.seen).toHaveLength(3)
    expect(closed).toMatchObject([{ statusCode: 503, outcome: 'provider_error', attempts: 3 }])
    // Two pauses of 200 and 400 ms are not the gateway's own time.
    expect(closed[0]?.upstreamMs).toBeGreaterThan(590)
  })

  test('alone, and asking for more patience than a few seconds: its answer passes at once', async () => {
    const a = await provider(status(529, { 'retry-after': '60' }))
    const { call } = await gateway({ providers: { a: a.url } })
    expect((await call()).headers.get('retry-after')).toBe('60')
    expect(a.seen).toHaveLength(1)
  })

  test('is left alone once it failed five times in a row, while another one works', async () => {
    const [a, b] = [await provider(status(500)), await provider(ok)]
    const { call, router } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    for (let n = 0; n < 8; n++) expect((await call()).status).toBe(200)
    expect(a.seen).toHaveLength(5)
    expect(router.places().find(({ key }) => key.startsWith('a/'))?.breaker.state).toBe('open')
  })

  test('is tried all the same where there is no other', async () => {
    const a = await provider(...Array.from({ length: 9 }, () => status(500)), ok)
    const { call } = await gateway({ providers: { a: a.url } })
    for (let n = 0; n < 3; n++) await call()
    expect((await call()).status).toBe(200)
  })
})

describe('what is not tried again', () => {
  test.each([400, 401, 403, 404, 413, 501])('%i: the caller gets it from the first target', async (code) => {
    const [a, b] = [await provider(status(code)), await provider(ok)]
    const { call } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    expect((await call()).status).toBe(code)
    expect(b.seen).toHaveLength(0)
  })

  test('an upload: it might then exist twice', async () => {
    const a = await provider(status(500))
    const { call } = await gateway({ providers: { a: a.url } })
    expect((await call({}, {}, '/v1/files')).status).toBe(500)
    expect(a.seen).toHaveLength(1)
  })

  test('a stream that broke behind its first byte', async () => {
    const a = await provider((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('event: ping\ndata: {"type":"ping"}\n\n', () => response.destroy())
    })
    const b = await provider(ok)
    const { call } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    const response = await call({ stream: true })
    expect(await response.text()).toContain('event: error')
    expect(b.seen).toHaveLength(0)
  })

  test('more than a fifth of the calls, when everything fails', async () => {
    const a = await provider(status(500))
    const { call } = await gateway({ providers: { a: a.url } })
    for (let n = 0; n < 50; n++) await call()
    // Ten to begin with, a fifth of fifty, and one a second.
    expect(a.seen.length).toBeLessThan(50 + 10 + 10 + 30)
  })
})

describe('a 429', () => {
  test('passes unchanged, with its headers, unless the operator says otherwise', async () => {
    const [a, b] = [await provider(status(429, { 'retry-after': '7999' })), await provider(ok)]
    const { call } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    const response = await call()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7999'])
  })

  test('goes elsewhere where the operator says so, and only that model rests meanwhile', async () => {
    const a = await provider(status(429, { 'retry-after': '60' }), ok)
    const b = await provider(ok)
    const { call } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn, failoverOnRateLimit: true })
    expect((await call()).headers.get('x-signalbox-route')).toContain('b/claude-opus-5')
    expect((await call()).headers.get('x-signalbox-route')).toContain('b/claude-opus-5')
    expect((await call({ model: 'claude-haiku-4-5' })).headers.get('x-signalbox-route')).toContain('a/claude-haiku-4-5')
  })
})

describe('a target with a limit of its own', () => {
  test('sends what is over it to the next, and says so where there is none', async () => {
    let release: () => void = () => undefined
    const a = await provider((request, response, body) => {
      release = () => ok(request, response, body)
    })
    const b = await provider(ok)
    const limited = [{ provider: 'a', maxConcurrent: 1 }]
    const both = await gateway({
      providers: { a: a.url, b: b.url },
      targets: [...limited, { provider: 'b', priority: 1 }],
    })
    const first = both.call()
    await expect.poll(() => a.seen.length).toBe(1)
    expect((await both.call()).headers.get('x-signalbox-route')).toContain('b/')
    release()
    expect((await first).status).toBe(200)

    const alone = await gateway({ providers: { a: a.url }, targets: limited })
    const second = alone.call()
    await expect.poll(() => a.seen.length).toBe(2)
    expect((await alone.call()).status).toBe(529)
    release()
    await second
    const third = alone.call()
    await expect.poll(() => a.seen.length).toBe(3)
    release()
    expect((await third).status).toBe(200)
  })
})

test('a model that the caller spelled with its provider goes there under its own name, and nothing else is changed', async () => {
  const [a, b] = [await provider(ok), await provider(ok)]
  const { call, closed } = await gateway({ providers: { a: a.url, b: b.url } })
  await call({ model: 'b/claude-haiku-4-5', temperature: 0.5 })
  expect(b.seen).toEqual(['{"model":"claude-haiku-4-5","max_tokens":5,"messages":[],"temperature":0.5}'])
  expect(closed[0]?.requestedModel).toBe('b/claude-haiku-4-5')
})

describe('the record of a call', () => {
  test('says nothing of a routing where there was none', async () => {
    const a = await provider(ok)
    const { call, closed } = await gateway({ providers: { a: a.url } })
    await call()
    expect(closed[0]?.routing).toBeNull()
  })

  test('has the rule, each try with what was wrong, and where the session was before', async () => {
    const [a, b] = [await provider(ok, status(503)), await provider(ok)]
    const { call, closed } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    const session = { 'x-signalbox-session': 'one' }
    for (let n = 0; n < 3; n++) await call({}, session)
    const place = { rule: 'mine', notes: [] }
    expect(closed.map(({ routing }) => routing)).toEqual([
      { ...place, target: 'a/claude-opus-5', tried: [], movedFrom: null },
      { ...place, target: 'b/claude-opus-5', tried: ['a/claude-opus-5:503'], movedFrom: 'a/claude-opus-5' },
      // Tried where it belongs and off again, as that is still ill: in the end nothing was moved.
      { ...place, target: 'b/claude-opus-5', tried: ['a/claude-opus-5:503'], movedFrom: null },
    ])
  })

  test('of helper calls to another model says nothing of a move', async () => {
    const a = await provider(ok)
    const { call, closed } = await gateway({ providers: { a: a.url }, targets: [{ provider: 'a' }] })
    for (const model of ['claude-opus-5', 'claude-haiku-4-5', 'claude-opus-5'])
      await call({ model }, { 'x-signalbox-session': 'one' })
    expect(closed.map(({ routing }) => routing?.movedFrom)).toEqual([null, null, null])
  })

  test('of a session that nobody answered says nothing of a move', async () => {
    const [a, b] = [await provider(ok, status(503)), await provider(status(500))]
    const { call, closed } = await gateway({ providers: { a: a.url, b: b.url }, targets: inTurn })
    for (let n = 0; n < 2; n++) await call({}, { 'x-signalbox-session': 'one' })
    expect(closed[1]).toMatchObject({ outcome: 'provider_error', routing: { movedFrom: null } })
  })

  test('keeps nothing of a translated try that failed', async () => {
    const [openAi, b] = [await provider(status(500)), await provider(ok)]
    const targets = [
      { provider: 'openai', model: 'gpt-5' },
      { provider: 'b', priority: 1 },
    ]
    const { call, closed } = await gateway({ providers: { openai: openAi.url, b: b.url }, targets })
    expect((await call({ top_k: 5, messages: [{ role: 'user', content: 'x' }] })).status).toBe(200)
    expect(closed[0]).toMatchObject({
      provider: 'b',
      routing: { target: 'b/claude-opus-5', tried: ['openai/gpt-5:provider_server_error'], notes: [] },
    })
    expect(closed[0]?.model).not.toBe('gpt-5')
  })
})

describe('thinking of a translated provider', () => {
  const block = '{"type":"thinking","thinking":"hm","signature":"sbx1.openai.e30"}'
  const messages = (content: string): string =>
    `[{"role":"user","content":"x"},{"role":"assistant","content":[${content}]}]`
  const said = '{"type":"text","text":"y"}'
  const bodyOf = (content: string): object => ({ messages: JSON.parse(messages(content)) })

  test('never goes to Anthropic, in calls and counts alike', async () => {
    const a = await provider(ok)
    const { call } = await gateway({ providers: { a: a.url, openai: 'http://127.0.0.1:1' } })
    await call(bodyOf(`${block},${said}`))
    await call(bodyOf(`${block},${said}`), {}, '/v1/messages/count_tokens')
    const sent = `{"model":"claude-opus-5","max_tokens":5,"messages":${messages(said)}}`
    expect(a.seen).toEqual([sent, sent])
  })

  test('is not looked for where no provider was ever translated', async () => {
    const a = await provider(ok)
    const { call } = await gateway({ providers: { a: a.url } })
    await call(bodyOf(`${block},${said}`))
    expect(a.seen).toEqual([`{"model":"claude-opus-5","max_tokens":5,"messages":${messages(`${block},${said}`)}}`])
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkGrammar, readEvents } from '../../test/support/messages-stream.ts'
import { type SimulatedUpstream, startSimulatedUpstream } from '../../test/support/simulated-upstream.ts'
import { bash, callsTo, chat, json, minimal, text } from '../../test/support/simulator-calls.ts'
import type { Clock } from '../core/clock.ts'

let upstream: SimulatedUpstream
beforeEach(async () => {
  upstream = await startSimulatedUpstream()
})
afterEach(() => upstream.stop())

const { post } = callsTo(() => upstream.url)

describe('answers', () => {
  test('the smallest call there is gets a message', async () => {
    const response = await post(minimal)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('request-id')).toMatch(/^req_011C[1-9A-Za-z]{20}$/)
    expect(await response.json()).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'test',
      stop_reason: 'max_tokens',
      usage: { input_tokens: 9, output_tokens: 10, cache_creation: { ephemeral_5m_input_tokens: 0 } },
    })
  })

  test('a stream keeps the grammar and its final usage is cumulative', async () => {
    const response = await post(chat)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const events = readEvents(await response.text())
    checkGrammar(events)
    expect(events[0]?.data.message.usage.output_tokens).toBe(1)
    const delta = events.find((event) => event.name === 'message_delta')?.data
    expect(delta.usage.output_tokens).toBeGreaterThan(1)
    expect(delta.delta.stop_reason).toBe('end_turn')
  })

  test('thinking comes signed, may be hidden, and is refused when it comes back changed', async () => {
    const request = { ...minimal, max_tokens: 3_000, thinking: { type: 'enabled', budget_tokens: 1_024 } }
    const { content, usage } = await json(post(request))
    expect(content.map((block: { type: string }) => block.type)).toEqual(['thinking', 'text'])
    expect(usage.output_tokens_details.thinking_tokens).toBeGreaterThan(0)
    const next = (thinking: object) => ({
      ...request,
      messages: [...minimal.messages, { role: 'assistant', content: [thinking, content[1]] }, minimal.messages[0]],
    })
    expect((await post(next(content[0]))).status).toBe(200)
    const refused = await json(post(next({ ...content[0], thinking: `${content[0].thinking} ` })))
    expect(refused.error.message).toBe('messages.1.content.0: Invalid `signature` in `thinking` block')
    const hidden = await json(post({ ...request, thinking: { type: 'adaptive', display: 'omitted' } }))
    expect(hidden.content[0]).toMatchObject({ type: 'thinking', thinking: '' })
    expect(hidden.usage.output_tokens_details.thinking_tokens).toBeGreaterThan(0)
  })

  test('run: lines are carried out one after the other, then the results are quoted', async () => {
    const messages: object[] = [{ role: 'user', content: 'run: echo one\nrun: echo two' }]
    const commands: string[] = []
    for (let turn = 0; turn < 5; turn++) {
      const answer = await json(post({ ...minimal, max_tokens: 500, tools: [bash], messages }))
      if (answer.stop_reason !== 'tool_use') {
        expect(answer.content[0].text).toContain('result of echo two')
        break
      }
      const use = answer.content.find((block: { type: string }) => block.type === 'tool_use')
      commands.push(use.input.command)
      messages.push(
        { role: 'assistant', content: answer.content },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: use.id, content: `result of ${use.input.command}` }],
        },
      )
    }
    expect(commands).toEqual(['echo one', 'echo two'])
  })

  test('tools are called when the request forces one, with input that fits the schema', async () => {
    const tool = {
      name: 'get_weather',
      input_schema: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          unit: { enum: ['c', 'f'] },
          days: { type: 'integer', minimum: 1 },
          more: {},
        },
        required: ['city', 'unit', 'days'],
      },
    }
    const { content, stop_reason } = await json(
      post({ ...minimal, max_tokens: 500, tools: [bash, tool], tool_choice: { type: 'tool', name: 'get_weather' } }),
    )
    const use = content.find((block: { type: string }) => block.type === 'tool_use')
    expect(stop_reason).toBe('tool_use')
    expect(use.name).toBe('get_weather')
    expect(Object.keys(use.input)).toEqual(['city', 'unit', 'days'])
    expect(['c', 'f']).toContain(use.input.unit)
    const many = await json(
      post({ ...minimal, max_tokens: 500, tools: [bash] }, 'tool=Bash;parallel=3;input={"command":"ls"}'),
    )
    const uses = many.content.filter((block: { type: string }) => block.type === 'tool_use')
    expect(uses.map((block: { input: unknown }) => block.input)).toEqual(Array(3).fill({ command: 'ls' }))
    expect(new Set(uses.map((block: { id: string }) => block.id)).size).toBe(3)
  })

  test('a structured answer is JSON of the asked schema', async () => {
    const schema = {
      type: 'object',
      properties: { title: { type: 'string' } },
      required: ['title'],
      additionalProperties: false,
    }
    const { content } = await json(
      post({ ...minimal, max_tokens: 500, output_config: { format: { type: 'json_schema', schema } } }),
    )
    expect(Object.keys(JSON.parse(content[0].text))).toEqual(['title'])
  })

  test('images are seen and counted', async () => {
    const png = Buffer.alloc(33)
    png.write('\x89PNG\r\n\x1a\n', 'latin1')
    png.writeUInt32BE(750, 16)
    png.writeUInt32BE(100, 20)
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png.toString('base64') } }
    const messages = [{ role: 'user', content: [image, { type: 'text', text: 'what is this?' }] }]
    const answer = await json(post({ ...minimal, max_tokens: 500, messages }))
    expect(answer.content[0].text).toMatch(/^I see 1 image\. /)
    const counted = await json(post({ model: 'test', messages }, '', {}, '/v1/messages/count_tokens'))
    expect(counted.input_tokens).toBe(8 + 100 + 4)
    expect(answer.usage.input_tokens).toBe(counted.input_tokens)
  })

  test('the model list pages, and probes are answered empty', async () => {
    const ids: string[] = []
    let page = await json(fetch(`${upstream.url}/v1/models?limit=4`))
    ids.push(...page.data.map((model: { id: string }) => model.id))
    expect(page).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[3] })
    page = await json(fetch(`${upstream.url}/v1/models?limit=4&after_id=${page.last_id}`))
    ids.push(...page.data.map((model: { id: string }) => model.id))
    expect(page.has_more).toBe(false)
    expect(new Set(ids).size).toBe(6)
    expect(await json(fetch(`${upstream.url}/v1/models/claude-haiku-4-5`))).toMatchObject({
      id: 'claude-haiku-4-5-20251001',
    })
    for (const path of ['/', '/api/hello']) {
      expect((await fetch(upstream.url + path, { method: 'HEAD' })).status).toBe(200)
    }
  })
})

describe('refusals', () => {
  const one = minimal.messages
  const toolUse = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }] }
  const marked = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }
  test.each<[string, object | string, string]>([
    ['invalid JSON', '{"model":', 'The request body is not valid JSON.'],
    ['not an object', '[]', 'The request body is not a JSON object.'],
    ['no model', { messages: one, max_tokens: 1 }, 'model: Field required'],
    ['no max_tokens', { model: 'x', messages: one }, 'max_tokens: Field required'],
    [
      'zero max_tokens',
      { model: 'x', messages: one, max_tokens: 0 },
      'max_tokens: Input should be greater than or equal to 1',
    ],
    ['no messages', { model: 'x', max_tokens: 1 }, 'messages: Field required'],
    ['empty messages', { model: 'x', max_tokens: 1, messages: [] }, 'messages: at least one message is required'],
    [
      'an odd role',
      { ...minimal, messages: [{ role: 'tool', content: 'x' }] },
      "messages.0.role: Input should be 'user' or 'assistant'",
    ],
    [
      'a lonely tool_use',
      { ...minimal, messages: [...one, toolUse, ...one] },
      'tool_use` ids were found without `tool_result`',
    ],
    [
      'five cache marks',
      { ...minimal, system: Array(5).fill(marked) },
      'A maximum of 4 blocks with cache_control may be provided. Found 5.',
    ],
    [
      'a small budget',
      { ...minimal, thinking: { type: 'enabled', budget_tokens: 5 } },
      'greater than or equal to 1024',
    ],
    [
      'an unknown directive',
      { ...minimal, messages: [{ role: 'user', content: '[[simulate eror=x]]' }] },
      "unknown directive 'eror'",
    ],
  ])('%s is a 400 in the API error shape', async (_name, body, message) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    const answer = await json(Promise.resolve(response))
    expect(answer).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    expect(answer.error.message).toContain(message)
    expect(answer.request_id).toBe(response.headers.get('request-id'))
  })

  test('unknown paths are 404, wrong methods 405, a missing key 401, an unknown model 404, a large body 413', async () => {
    expect((await fetch(`${upstream.url}/v1/nothing`)).status).toBe(404)
    expect((await fetch(`${upstream.url}/v1/messages`)).status).toBe(405)
    await upstream.stop()
    upstream = await startSimulatedUpstream({ config: { requireKey: true, strictModels: true, maxBodyBytes: 5_000 } })
    expect((await post(minimal)).status).toBe(401)
    expect((await post(minimal, '', { 'x-api-key': 'sk-ant-x' })).status).toBe(404)
    expect(
      (await post({ ...minimal, model: 'claude-haiku-4-5' }, '', { authorization: 'Bearer sk-ant-x' })).status,
    ).toBe(200)
    expect((await post({ ...minimal, system: 'x'.repeat(6_000) })).status).toBe(413)
  })

  test.each([
    ['error=overloaded_error', 529, 'overloaded_error'],
    ['error=rate_limit_error;retry-after=7999', 429, 'rate_limit_error'],
    ['status=500', 500, 'api_error'],
    ['status=502;error=api_error', 502, 'api_error'],
    ['error=billing_error', 402, 'billing_error'],
  ])('%s is answered instead of a message', async (simulate, status, type) => {
    const response = await post(chat, simulate)
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe(simulate.includes('retry-after') ? '7999' : null)
    expect(await json(Promise.resolve(response))).toMatchObject({ type: 'error', error: { type } })
  })

  test('failures can strike the first calls only, be HTML, or redirect', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) statuses.push((await post(chat, 'error=overloaded_error;times=2')).status)
    expect(statuses).toEqual([529, 529, 200])
    const html = await post(minimal, 'status=502;error-body=html')
    expect(html.headers.get('content-type')).toBe('text/html')
    const redirect = await post(minimal, 'status=302;location=http://127.0.0.1:1/')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'http://127.0.0.1:1/'])
  })
})

describe('usage and limits', () => {
  test('usage can be told in the poorer ways of the wire', async () => {
    const usageOf = async (simulate: string) => {
      const events = readEvents(await text(post(chat, simulate)))
      return [events[0]?.data.message.usage, events.find((event) => event.name === 'message_delta')?.data.usage]
    }
    expect(await usageOf('usage=none')).toEqual([undefined, undefined])
    expect((await usageOf('usage=start-only'))[1]).toBeUndefined()
    expect((await usageOf('usage=no-split'))[0].cache_creation).toBeUndefined()
    const [start, delta] = await usageOf('web-search=2;service-tier=priority;speed=fast')
    expect(start).toMatchObject({ service_tier: 'priority', speed: 'fast' })
    expect(delta.server_tool_use.web_search_requests).toBe(2)
  })

  test('API keys see token buckets, subscription logins see windows', async () => {
    const byKey = await post(minimal, '', { 'x-api-key': 'sk-ant-api03-x' })
    expect(byKey.headers.get('anthropic-ratelimit-requests-remaining')).toBe('3999')
    expect(byKey.headers.get('anthropic-ratelimit-tokens-reset')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(byKey.headers.get('anthropic-ratelimit-unified-status')).toBeNull()
    const byLogin = await post(minimal, 'utilization=0.93', { authorization: 'Bearer sk-ant-oat01-x' })
    expect(byLogin.headers.get('anthropic-ratelimit-unified-status')).toBe('allowed_warning')
    expect(byLogin.headers.get('anthropic-ratelimit-unified-5h-utilization')).toBe('0.93')
    expect(Number(byLogin.headers.get('anthropic-ratelimit-unified-reset')) % 600).toBe(0)
    expect(byLogin.headers.get('anthropic-ratelimit-requests-limit')).toBeNull()
    const exhausted = await post(minimal, 'limits=unified;utilization=1')
    expect(exhausted.status).toBe(429)
    expect(Number(exhausted.headers.get('retry-after'))).toBeGreaterThan(3_600)
    expect(exhausted.headers.get('anthropic-ratelimit-unified-status')).toBe('rejected')
  })

  test('enforced limits refuse and say when to come back', async () => {
    await upstream.stop()
    upstream = await startSimulatedUpstream({ config: { rateLimits: { requestsPerMinute: 2, enforce: true } } })
    expect([(await post(minimal)).status, (await post(minimal)).status]).toEqual([200, 200])
    const third = await post(minimal)
    expect(third.status).toBe(429)
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(20)
  })
})

describe('repeatability', () => {
  const frozen: Clock = { now: () => Date.UTC(2026, 8, 1, 12), monotonic: () => 0 }
  const calls: [object, string][] = [
    [minimal, ''],
    [chat, ''],
    [chat, ''],
    [{ ...chat, tools: [bash], tool_choice: { type: 'any' } }, ''],
    [{ ...chat, thinking: { type: 'adaptive' } }, 'padding'],
    [chat, 'error=overloaded_error'],
    [{ model: 'x' }, ''],
  ]

  async function transcript(seed: number, order: readonly [object, string][]): Promise<string[]> {
    await upstream.stop()
    upstream = await startSimulatedUpstream({ config: { seed, errorRate: 0.3 }, clock: frozen })
    const bodies: string[] = []
    for (const [body, simulate] of order) {
      const response = await post(body, simulate).catch(() => undefined)
      const head = [...(response?.headers ?? [])].filter(([name]) => name !== 'date')
      bodies.push(`${response?.status} ${JSON.stringify(head)} ${await response?.text().catch(() => 'cut')}`)
    }
    return bodies
  }

  test('the same seed and the same calls give the same bytes, another seed gives others', async () => {
    const first = await transcript(7, calls)
    expect(await transcript(7, calls)).toEqual(first)
    expect(await transcript(8, calls)).not.toEqual(first)
    expect(first[1]).not.toEqual(first[2])
  })

  test('what runs beside it does not change the answer to a call', async () => {
    const text = (answer: string | undefined) => answer?.slice(answer.lastIndexOf('] ') + 2)
    const forward = await transcript(7, calls.slice(3, 5))
    const backward = await transcript(7, calls.slice(3, 5).reverse())
    expect(text(backward[1])).toBe(text(forward[0]))
    expect(text(backward[0])).toBe(text(forward[1]))
  })

  test('failures come by chance at about the configured rate', async () => {
    await upstream.stop()
    upstream = await startSimulatedUpstream({ config: { errorRate: 0.5 } })
    for (let i = 0; i < 100; i++) {
      const messages = [{ role: 'user', content: `call ${i}` }]
      await text(post({ ...chat, messages })).catch(() => 'broken')
    }
    const failed = upstream
      .served()
      .filter((call) => call.status !== 200 || call.answer.errorType !== null || call.ended === 'cut')
    expect(failed.length).toBeGreaterThan(30)
    expect(failed.length).toBeLessThan(70)
  })
})

test('the log of served calls holds no credential and no text, and is bounded', async () => {
  await upstream.stop()
  upstream = await startSimulatedUpstream({ config: { servedLog: 3 } })
  for (let i = 0; i < 8; i++) await post({ ...minimal, system: 'hush' }, '', { 'x-api-key': 'sk-ant-api03-hidden' })
  const answer = await text(fetch(`${upstream.url}/__served`))
  expect(JSON.parse(answer).served).toHaveLength(3)
  expect(answer).not.toContain('hidden')
  expect(answer).not.toContain('hush')
  await upstream.stop()
  upstream = await startSimulatedUpstream({ config: { servedLog: 0 } })
  expect((await fetch(`${upstream.url}/__served`)).status).toBe(404)
})

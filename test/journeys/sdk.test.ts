/**
 * The official SDK drives the gateway, and the same calls go to the simulated provider without it. What the SDK sees must
 * be equal in both, and the ledger must say what the provider served.
 */
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ServedCall } from '../../src/simulator/served.ts'
import { type Gateway, type LedgerRow, startGateway } from '../support/gateway-harness.ts'
import { type SimulatedUpstream, startSimulatedUpstream } from '../support/simulated-upstream.ts'

const model = 'claude-sonnet-5'
const sessionId = '0d5f3c2a-8f4e-4c7b-9b1e-3f6a2d7c9e10'
const hello = [{ role: 'user' as const, content: 'Hello, signal box.' }]
const bash = {
  name: 'bash',
  description: 'Runs a command.',
  input_schema: { type: 'object' as const, properties: { command: { type: 'string' } }, required: ['command'] },
}

let alone: SimulatedUpstream
let behind: SimulatedUpstream
let gateway: Gateway
let seenCalls = 0
let seenRows = 0

beforeAll(async () => {
  alone = await startSimulatedUpstream()
  behind = await startSimulatedUpstream()
  gateway = await startGateway({ upstreamUrl: behind.url })
})

afterEach(async () => {
  seenCalls = behind.served().length
  seenRows = (await gateway.exchanges()).length
})

afterAll(async () => {
  await gateway?.stop()
  await behind?.stop()
  await alone?.stop()
})

function clientOf(baseURL: string): Anthropic {
  return new Anthropic({
    baseURL,
    apiKey: 'sk-ant-api03-journey',
    maxRetries: 0,
    defaultHeaders: { 'x-claude-code-session-id': sessionId },
  })
}

/** Runs a scenario against the provider alone and through the gateway, and holds what the SDK saw equal. */
async function bothWays<T>(scenario: (client: Anthropic) => Promise<T>): Promise<T> {
  const direct = await scenario(clientOf(alone.url))
  const through = await scenario(clientOf(gateway.proxyUrl))
  expect(through).toEqual(direct)
  return through
}

const simulate = (directives: string) => ({ headers: { 'x-simulate': directives } })

async function eventsOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const events: unknown[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** What a caller can know of a failure; connection errors of different layers differ in their words. */
async function failureOf(call: () => Promise<unknown>): Promise<object> {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof Anthropic.APIError)) return { kind: 'other' }
    return {
      kind: error.constructor.name,
      status: error.status,
      body: error.error,
      requestId: error.requestID,
      retryAfter: error.headers?.get('retry-after'),
    }
  }
  throw new Error('the call should have failed')
}

/** The calls that reached the provider behind the gateway in this test, once `count` of them have ended. */
async function served(count: number): Promise<readonly ServedCall[]> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const calls = behind.served().slice(seenCalls)
    if (calls.length >= count) return calls
    if (performance.now() > deadline) throw new Error(`${calls.length} instead of ${count} calls reached the provider`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Checks the rows of this test, oldest first; nothing to check where there is no gateway. */
async function expectRows(check: (rows: readonly LedgerRow[]) => void): Promise<void> {
  if (gateway.kind === 'gateway') check((await gateway.exchanges()).slice(seenRows))
}

/** A row says exactly what the provider reported. */
function expectServed(row: LedgerRow | undefined, call: ServedCall | undefined): void {
  const usage = call?.answer.usage
  expect(row).toMatchObject({
    outcome: 'ok',
    statusCode: 200,
    model: call?.answer.model,
    requestedModel: call?.requestedModel,
    streaming: call?.stream,
    stopReason: call?.answer.stopReason,
    upstreamRequestId: call?.answer.requestId,
    sessionId,
    usageSource: 'reported',
    usage: {
      input: usage?.input,
      output: usage?.output,
      cacheRead: usage?.cacheRead,
      cacheWrite5m: usage?.write5m,
      cacheWrite1h: usage?.write1h,
    },
  })
  expect(row?.costUsd).toBeGreaterThan(0)
}

test('a message that is not streamed', async () => {
  const message = await bothWays((client) =>
    client.messages.create({ model, max_tokens: 300, messages: hello }, simulate('seed=message')),
  )
  expect(message.content[0]?.type).toBe('text')
  const calls = await served(1)
  await expectRows((rows) => {
    expect(rows).toHaveLength(1)
    expectServed(rows[0], calls[0])
  })
})

test('a streamed message, event by event', async () => {
  const events = await bothWays(async (client) =>
    eventsOf(
      await client.messages.create({ model, max_tokens: 300, messages: hello, stream: true }, simulate('seed=stream')),
    ),
  )
  expect(events.length).toBeGreaterThan(5)
  const calls = await served(1)
  await expectRows((rows) => {
    expect(rows).toHaveLength(1)
    expectServed(rows[0], calls[0])
  })
})

test.each(['crlf', 'chunk=1', 'encoding=gzip', 'padding', 'comments', 'unknown-events=3', 'pings=2', 'usage=no-split'])(
  'a streamed message in the wire form %s',
  async (form) => {
    await bothWays((client) =>
      client.messages.stream({ model, max_tokens: 60, messages: hello }, simulate(`seed=form;${form}`)).finalMessage(),
    )
    const calls = await served(1)
    await expectRows((rows) => {
      expect(rows).toHaveLength(1)
      expectServed(rows[0], calls[0])
    })
  },
)

test('thinking keeps its signature through the next turn', async () => {
  const params = { model, max_tokens: 4_000, thinking: { type: 'enabled' as const, budget_tokens: 1_024 } }
  const [first] = await bothWays(async (client) => {
    const answer = await client.messages.stream({ ...params, messages: hello }, simulate('seed=think')).finalMessage()
    // The provider refuses thinking that was changed on its way there or back.
    const again = await client.messages.create(
      { ...params, messages: [...hello, { role: 'assistant', content: answer.content }, ...hello] },
      simulate('seed=again'),
    )
    return [answer, again]
  })
  expect(first?.content[0]).toMatchObject({ type: 'thinking' })
  const calls = await served(2)
  await expectRows((rows) => {
    expect(rows).toHaveLength(2)
    for (const [index, row] of rows.entries()) {
      expectServed(row, calls[index])
      expect(row.usage.reasoning).toBe(calls[index]?.answer.usage?.thinking)
    }
  })
})

test('a tool loop of three turns, with a prompt cache that grows', async () => {
  const system = [
    {
      type: 'text' as const,
      text: 'You keep the signals. '.repeat(300),
      cache_control: { type: 'ephemeral' as const, ttl: '1h' as const },
    },
  ]
  const texts = await bothWays(async (client) => {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'run: echo one\nrun: echo two' }]
    for (let turn = 0; turn < 5; turn++) {
      const answer = await client.messages
        .stream({ model, max_tokens: 1_000, system, tools: [bash], messages }, simulate(`seed=loop${turn}`))
        .finalMessage()
      messages.push({ role: 'assistant', content: answer.content })
      const uses = answer.content.filter((block) => block.type === 'tool_use')
      if (uses.length === 0) break
      const results = uses.map((use) => ({
        type: 'tool_result' as const,
        tool_use_id: use.id,
        content: JSON.stringify(use.input),
        cache_control: { type: 'ephemeral' as const },
      }))
      messages.push({ role: 'user', content: results })
    }
    return messages
  })
  expect(JSON.stringify(texts.at(-1))).toContain('echo two')
  const calls = await served(3)
  expect(calls[2]?.answer.usage?.cacheRead).toBeGreaterThan(calls[1]?.answer.usage?.cacheRead ?? 0)
  expect(calls[0]?.answer.usage?.write1h).toBeGreaterThan(1_000)
  await expectRows((rows) => {
    expect(rows.map((row) => row.stopReason)).toEqual(['tool_use', 'tool_use', 'end_turn'])
    for (const [index, row] of rows.entries()) expectServed(row, calls[index])
  })
})

test('count_tokens and the model list', async () => {
  const [count] = await bothWays(async (client) => {
    const tokens = await client.messages.countTokens({ model, messages: hello })
    return [tokens.input_tokens] as const
  })
  expect(count).toBeGreaterThan(5)
  const ids: string[] = []
  for await (const row of clientOf(gateway.proxyUrl).models.list({ limit: 1_000 })) ids.push(row.id)
  expect(ids.length).toBeGreaterThan(0)
  for (const id of ids) expect(id).toMatch(/^(claude|anthropic)/)
  await expectRows((rows) => {
    const counted = rows.filter((row) => row.endpoint === 'count_tokens')
    expect(counted).toHaveLength(1)
    expect(counted[0]).toMatchObject({ outcome: 'ok', statusCode: 200, costUsd: 0 })
  })
})

test.each([
  { simulated: 'error=invalid_request_error;message=prompt%20is%20too%20long', status: 400, outcome: 'caller_error' },
  { simulated: 'error=rate_limit_error;retry-after=7999', status: 429, outcome: 'provider_error' },
  { simulated: 'error=overloaded_error', status: 529, outcome: 'provider_error' },
  { simulated: 'error=api_error', status: 500, outcome: 'provider_error' },
  { simulated: 'error=request_too_large;error-body=html', status: 413, outcome: 'caller_error' },
])('the failure $status arrives as the provider sent it', async ({ simulated, status, outcome }) => {
  const failure = await bothWays((client) =>
    failureOf(() =>
      client.messages.create({ model, max_tokens: 50, messages: hello }, simulate(`seed=${status};${simulated}`)),
    ),
  )
  expect(failure).toMatchObject({ status })
  await served(1)
  await expectRows((rows) => {
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ statusCode: status, usage: { input: 0, output: 0 }, costUsd: 0 })
    // Whose fault a refusal of the content is, the error table says; a provider's trouble is never the caller's.
    if (outcome === 'provider_error') expect(rows[0]?.outcome).toBe(outcome)
    else expect(rows[0]?.outcome).not.toBe('ok')
  })
})

test('a refusal by validation arrives in the words of the API', async () => {
  const failure = await bothWays((client) =>
    failureOf(() => client.messages.create({ model, max_tokens: 0, messages: hello }, simulate('seed=zero'))),
  )
  expect(failure).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error' } } })
})

test('an error event in mid-stream ends the stream as an error, and the row is no success', async () => {
  const failure = await bothWays((client) =>
    failureOf(async () =>
      eventsOf(
        await client.messages.create(
          { model, max_tokens: 300, messages: hello, stream: true },
          simulate('seed=mid;error=overloaded_error;after-events=6'),
        ),
      ),
    ),
  )
  expect(failure).toMatchObject({ body: { error: { type: 'overloaded_error' } } })
  await served(1)
  await expectRows((rows) => {
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      outcome: 'provider_error',
      failedAfterFirstByte: true,
      usageSource: 'partial',
      attempts: 1,
    })
    expect(rows[0]?.statusCode).toBeGreaterThanOrEqual(500)
    expect(rows[0]?.usage.output).toBeGreaterThan(0)
  })
})

test.each(['cut', 'reset', 'end'])(
  'a stream broken by %s is an error for the caller and in the ledger',
  async (kind) => {
    const seen = await bothWays(async (client) => {
      const names: string[] = []
      const failed = await failureOf(async () => {
        const stream = client.messages.stream(
          { model, max_tokens: 300, messages: hello },
          simulate(`seed=cut;${kind};after-events=8`),
        )
        stream.on('streamEvent', (event) => names.push(event.type))
        await stream.finalMessage()
      })
      return { names, failed: failed !== undefined }
    })
    expect(seen.names).toHaveLength(7) // the SDK keeps the ping to itself
    expect(seen.names).not.toContain('message_stop')
    await served(1)
    await expectRows((rows) => {
      expect(rows).toHaveLength(1)
      expect(rows[0]).toMatchObject({ outcome: 'provider_error', failedAfterFirstByte: true, usageSource: 'partial' })
      expect(rows[0]?.statusCode).toBeGreaterThanOrEqual(500)
    })
  },
)

test('a caller who leaves aborts the call at the provider, and the row says cancelled', async () => {
  await bothWays(async (client) => {
    const stream = await client.messages.create(
      { model, max_tokens: 2_000, messages: hello, stream: true },
      simulate('seed=leave;tps=30;output-tokens=1000'),
    )
    let texts = 0
    for await (const event of stream) {
      if (event.type === 'content_block_delta') texts++
      if (texts === 3) break // leaving the loop aborts the request
    }
    return texts
  })
  const [call] = await served(1)
  expect(call?.ended).toBe('client-gone')
  await expectRows((rows) => {
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ outcome: 'cancelled', statusCode: 499, usageSource: 'partial' })
    expect(rows[0]?.usage.input).toBe(call?.answer.usage?.input)
  })
})

test('request bodies reach the provider as the caller wrote them', async () => {
  const body =
    '{ "model":"claude-sonnet-5",\t"max_tokens": 20, "messages":[{"role":"user","content":"\\u00fc\\/ \u{1F6A6}"}], "temperature":1.0, "big":12345678901234567890 }'
  for (const url of [alone.url, gateway.proxyUrl]) {
    const response = await fetch(`${url}/v1/messages?beta=true&x=%2F`, {
      method: 'POST',
      headers: {
        'x-api-key': 'sk-ant-api03-journey',
        'content-type': 'application/json',
        'x-claude-code-session-id': sessionId,
      },
      body,
    })
    expect(response.status).toBe(200)
    await response.arrayBuffer()
  }
  const [call] = await served(1)
  expect(call?.url).toBe('/v1/messages?beta=true&x=%2F')
  expect(call?.requestSha256).toBe(alone.served().at(-1)?.requestSha256)
})

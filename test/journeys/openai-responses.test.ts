/**
 * OpenAI by its Responses API, driven by the official SDK of Anthropic over real HTTP: a loop of two turns with a tool, whose
 * reasoning has to come back to the provider, streaming and not; and a failure that comes before the first word.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../support/gateway-harness.ts'
import { eventsOf } from '../support/openai-responses.ts'
import { publishedResponsesRequest } from '../support/openai-responses-schema.ts'

type Wire = Record<string, unknown>

const usage = {
  input_tokens: 110,
  input_tokens_details: { cached_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 130,
}
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA-only-they-can-read-it' }
const callItem = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'read', arguments: '{"path":"a.txt"}' }
const answerItem = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'It says “hi”.', annotations: [] }],
}

/** First a call, and once its output is there, an answer; a streamed failure where the prompt asks for one. */
function answerTo(body: Wire): { items: Wire[]; fails: boolean } {
  const input = body.input as Wire[]
  const hasOutput = input.some(({ type }) => type === 'function_call_output')
  return {
    items: hasOutput ? [answerItem] : [reasoning, callItem],
    fails: JSON.stringify(input).includes('please fail'),
  }
}

function streamOf(items: readonly Wire[], response: Wire): Buffer {
  const inner = items.flatMap((item, at) => {
    const place = { output_index: at, item_id: item.id, content_index: 0 }
    const text = item === answerItem ? [{ type: 'response.output_text.delta', ...place, delta: 'It says ' }] : []
    const args =
      item === callItem ? [{ type: 'response.function_call_arguments.delta', ...place, delta: '{"path"' }] : []
    const begun = { ...item, content: [], arguments: '', encrypted_content: '' }
    return [
      { type: 'response.output_item.added', output_index: at, item: begun },
      ...text,
      ...args,
      { type: 'response.output_item.done', output_index: at, item },
    ]
  })
  return eventsOf({ type: 'response.created', response }, ...inner, { type: 'response.completed', response })
}

const received: { path: string; authorization: string; body: Wire }[] = []
let server: Server
let gateway: Gateway
let client: Anthropic

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      received.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '', body })
      const { items, fails } = answerTo(body)
      const whole = {
        id: 'resp_1',
        object: 'response',
        status: 'completed',
        model: 'gpt-5-2025-08-07',
        output: items,
        usage,
      }
      response.setHeader('content-type', body.stream === true ? 'text/event-stream' : 'application/json')
      const error = { type: 'error', error: { type: 'tokens', code: 'rate_limit_exceeded', message: 'Slow down.' } }
      if (fails) response.end(eventsOf({ type: 'response.created', response: whole }, error))
      else response.end(body.stream === true ? streamOf(items, whole) : JSON.stringify(whole))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const upstreamUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
  gateway = await startGateway({
    upstreamUrl,
    providers: {
      default: 'openai',
      openai: { baseUrl: `${upstreamUrl}/v1`, apiKey: 'key-of-openai', dialect: 'responses' },
    },
  })
  client = new Anthropic({ baseURL: gateway.proxyUrl, apiKey: 'callers-own', maxRetries: 0 })
})

afterAll(async () => {
  await gateway?.stop()
  await new Promise((resolve) => server?.close(resolve))
})

const tools = [
  {
    name: 'read',
    description: 'Reads.',
    input_schema: { type: 'object' as const, properties: { path: { type: 'string' } } },
  },
]

describe.skipIf(process.env.JOURNEYS === 'direct')('openai by its Responses API', () => {
  test.each(['whole', 'streamed'] as const)('a tool loop of two turns, %s', async (form) => {
    const ask = (messages: Anthropic.MessageParam[]) => {
      const request = {
        model: 'openai/gpt-5',
        max_tokens: 500,
        tools,
        messages,
        thinking: { type: 'adaptive' as const },
      }
      return form === 'whole' ? client.messages.create(request) : client.messages.stream(request).finalMessage()
    }
    const asked: Anthropic.MessageParam = { role: 'user', content: 'What does a.txt say?' }
    const first = await ask([asked])
    expect(first.stop_reason).toBe('tool_use')
    expect(first.content).toMatchObject([
      { type: 'thinking', thinking: '' },
      { type: 'tool_use', id: 'call_1', name: 'read', input: { path: 'a.txt' } },
    ])
    expect(first.usage).toMatchObject({ input_tokens: 100, cache_read_input_tokens: 10, output_tokens: 20 })

    const result = { type: 'tool_result' as const, tool_use_id: 'call_1', content: 'hi' }
    const second = await ask([
      asked,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [result] },
    ])
    expect(second).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: 'It says “hi”.' }] })

    const call = received.at(-1)
    expect(call).toMatchObject({ path: '/v1/responses', authorization: 'Bearer key-of-openai' })
    expect(publishedResponsesRequest.safeParse(call?.body).error).toBeUndefined()
    // What it thought came back to it, in its place.
    const { id: _id, ...sentCall } = callItem
    expect(call === undefined ? [] : (call.body.input as Wire[]).slice(1)).toEqual([
      reasoning,
      sentCall,
      { type: 'function_call_output', call_id: 'call_1', output: 'hi' },
    ])
    expect((await gateway.exchanges()).at(-1)).toMatchObject({
      ...{
        provider: 'openai',
        model: 'gpt-5-2025-08-07',
        outcome: 'ok',
        stopReason: 'end_turn',
        usageSource: 'reported',
      },
      usage: { input: 100, cacheRead: 10, output: 20 },
    })
  })

  test('a failure before the first word keeps its status, though the stream had begun', async () => {
    const failing = client.messages.create({
      model: 'openai/gpt-5',
      max_tokens: 500,
      stream: true,
      messages: [{ role: 'user', content: 'please fail' }],
    })
    await expect(failing).rejects.toMatchObject({ status: 429, error: { error: { type: 'rate_limit_error' } } })
  })
})

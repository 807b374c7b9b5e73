/**
 * Every provider behind the Messages API, driven by the official SDK over real HTTP: streaming and not, tools, images,
 * counts, failures, and callers who leave. What the provider was sent, what the caller saw and what the ledger says.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeProviders, fakeAnswer, startFakeProviders } from '../support/fake-providers.ts'
import { type Gateway, type LedgerRow, startGateway } from '../support/gateway-harness.ts'
import { until } from '../support/until.ts'

const callersKey = 'sk-ant-api03-callers-own'
const names = ['openai', 'groq', 'gemini', 'mistral', 'xai', 'ollama', 'deepseek', 'openrouter', 'vllm', 'own'] as const
/** A model of each; those with a published price are named so. */
const models: Readonly<Record<(typeof names)[number], string>> = {
  openai: 'gpt-4o',
  groq: 'meta-llama/llama-4-scout-17b-16e-instruct',
  gemini: 'gemini-2.5-flash',
  mistral: 'mistral-large-latest',
  xai: 'grok-4.3',
  ollama: 'qwen3-vl',
  deepseek: 'deepseek-vision-next',
  openrouter: 'anthropic/claude-sonnet-4.5',
  vllm: 'qwen3-coder',
  own: 'glm-4.6',
}
const paths: Readonly<Record<(typeof names)[number], RegExp>> = {
  openai: /^\/openai\/v1\/chat\/completions$/,
  groq: /^\/groq\/v1\/chat\/completions$/,
  gemini: /^\/gemini\/v1beta\/models\/gemini-2\.5-flash:(stream)?[gG]enerateContent(\?alt=sse)?$/,
  mistral: /^\/mistral\/v1\/chat\/completions$/,
  xai: /^\/xai\/v1\/chat\/completions$/,
  ollama: /^\/ollama\/v1\/messages$/,
  deepseek: /^\/deepseek\/anthropic\/v1\/messages$/,
  openrouter: /^\/openrouter\/v1\/messages$/,
  vllm: /^\/vllm\/v1\/chat\/completions$/,
  own: /^\/own\/v1\/messages$/,
}
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const tools = [
  {
    name: 'read',
    description: 'Reads.',
    input_schema: { type: 'object' as const, properties: { path: { type: 'string' } } },
  },
]
const messages = [
  {
    role: 'user' as const,
    content: [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: pixel } },
    ],
  },
]

let fake: FakeProviders
let gateway: Gateway
let client: Anthropic
let seenRows = 0

beforeAll(async () => {
  fake = await startFakeProviders()
  const section = (name: string, version = '/v1') => ({
    baseUrl: `${fake.url}/${name}${version}`,
    apiKey: `key-of-${name}`,
  })
  gateway = await startGateway({
    upstreamUrl: fake.url,
    providers: {
      default: 'openai',
      ...Object.fromEntries(['openai', 'groq', 'mistral', 'xai', 'openrouter'].map((name) => [name, section(name)])),
      gemini: section('gemini', '/v1beta'),
      ollama: section('ollama', ''),
      deepseek: section('deepseek', ''),
      custom: {
        vllm: { type: 'openai-compatible', ...section('vllm') },
        own: { type: 'anthropic-compatible', ...section('own', '') },
      },
    },
  })
  client = new Anthropic({
    baseURL: gateway.proxyUrl,
    apiKey: callersKey,
    maxRetries: 0,
    defaultHeaders: { 'anthropic-beta': 'some-beta-2026-01-01', 'x-claude-code-session-id': 'a-session' },
  })
})

beforeEach(async () => {
  seenRows = (await gateway.exchanges()).length
})

afterAll(async () => {
  await gateway?.stop()
  await fake?.close()
})

const lastRow = async (): Promise<LedgerRow | undefined> => (await gateway.exchanges()).slice(seenRows).at(-1)

describe.each(names)('%s', (name) => {
  const model = `${name}/${models[name]}`
  const request = { model, max_tokens: 500, messages, tools, metadata: { user_id: 'user_somebody' } }

  test.each(['whole', 'streamed'] as const)('answers %s: text, a call of a tool, counts', async (form) => {
    const answer =
      form === 'whole' ? await client.messages.create(request) : await client.messages.stream(request).finalMessage()

    expect(answer.model).toBe(model)
    expect(answer.stop_reason).toBe('tool_use')
    expect(answer.content).toMatchObject([
      { type: 'text', text: fakeAnswer.text },
      { type: 'tool_use', name: 'read', input: fakeAnswer.args },
    ])
    expect(answer.usage).toMatchObject({ input_tokens: fakeAnswer.usage.input, output_tokens: fakeAnswer.usage.output })

    const call = fake.received.at(-1)
    expect(call?.path).toMatch(paths[name])
    const told = JSON.stringify([call?.path, call?.headers, call?.body])
    expect(told).toContain(pixel)
    expect(told).toContain(`key-of-${name}`)
    // Neither the caller's credential, nor its identity, nor what is meant for Anthropic alone.
    expect(told).not.toMatch(/callers-own|user_somebody|anthropic-beta|claude-code|stainless/)
    expect(call?.path).not.toContain('key-of')

    const row = await lastRow()
    expect(row).toMatchObject({
      ...{
        provider: name,
        account: name,
        statusCode: 200,
        outcome: 'ok',
        requestedModel: model,
        stopReason: 'tool_use',
      },
      ...{ model: fakeAnswer.model, usageSource: 'reported', streaming: form === 'streamed' },
      usage: { input: 100, output: 20 },
    })
  })

  test('a refused key of the gateway’s own is the gateway’s trouble, and no reason to try again', async () => {
    fake.next({ status: 401, body: { error: { message: 'bad key' } } })
    const error = await failureOf(() => client.messages.create(request))
    expect(error).toMatchObject({ status: 502, type: 'api_error' })
    expect(error.headers.get('x-should-retry')).toBe('false')
    expect(await lastRow()).toMatchObject({ provider: name, errorType: 'provider_auth_failed', usageSource: 'none' })
  })

  test('a rate limit says when to come back', async () => {
    fake.next({ status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after': '17' } })
    const error = await failureOf(() => client.messages.create(request))
    expect(error).toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect(error.headers.get('retry-after')).toBe('17')
  })

  test('a stream that ends in the middle is never a success', async () => {
    fake.next('cut')
    await expect(client.messages.stream(request).finalMessage()).rejects.toThrow()
    expect(await lastRow()).toMatchObject({
      provider: name,
      outcome: 'provider_error',
      errorType: 'provider_stream_cut',
    })
  })

  test('a caller who leaves ends the call at the provider too', async () => {
    fake.next('stall')
    const stream = client.messages.stream(request)
    await new Promise<void>((resolve) => stream.once('text', () => resolve()))
    stream.abort()
    await expect(stream.finalMessage()).rejects.toThrow()
    const call = fake.received.at(-1)
    await until('the call at the provider to end', () => call?.aborted === true)
    expect(await lastRow()).toMatchObject({ provider: name, outcome: 'cancelled', statusCode: 499 })
  })

  test('count_tokens is answered here, without a call', async () => {
    const calls = fake.received.length
    const { input_tokens: tokens } = await client.messages.countTokens({ model, messages, tools })
    expect(tokens).toBeGreaterThan(10)
    expect(fake.received).toHaveLength(calls)
  })
})

describe('whoever answers', () => {
  test('a model that no route knows goes to the default provider', async () => {
    const answer = await client.messages.create({
      model: 'test',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'test' }],
    })
    expect(answer.model).toBe('test')
    expect(fake.received.at(-1)).toMatchObject({ path: '/openai/v1/chat/completions', body: { model: 'test' } })
  })

  test('the provider may be named with a comma', async () => {
    await client.messages.create({ model: 'groq,llama-4', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] })
    expect(fake.received.at(-1)).toMatchObject({ path: '/groq/v1/chat/completions', body: { model: 'llama-4' } })
  })

  test('the answer names who it was', async () => {
    const { response } = await client.messages
      .create({ model: 'xai/grok-4.3', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] })
      .withResponse()
    expect(response.headers.get('x-signalbox-route')).toContain('xai/grok-4.3')
  })

  test('what a model can not see is refused, and says where', async () => {
    const error = await failureOf(() =>
      client.messages.create({ model: 'deepseek/deepseek-v4-pro', max_tokens: 10, messages }),
    )
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error' })
    expect(error.message).toContain('messages.0.content.1')
  })

  test('a call of a model with a published price has a cost', async () => {
    fake.next({
      status: 200,
      body: {
        ...{ id: 'c', object: 'chat.completion', model: 'gpt-4o-2024-08-06' },
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'x' } }],
        usage: { prompt_tokens: 1_000_000, completion_tokens: 0, total_tokens: 1_000_000 },
      },
    })
    await client.messages.create({
      model: 'openai/gpt-4o',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect((await lastRow())?.costUsd).toBeGreaterThan(0.1)
  })

  test('an SDK that is given half a conversation gets tool results and text to the provider in their order', async () => {
    await client.messages.create({
      model: 'groq/llama-4',
      max_tokens: 10,
      tools,
      messages: [
        { role: 'user', content: 'read a' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a' } }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: 'the file' },
            { type: 'text', text: 'and now?' },
          ],
        },
      ],
    })
    const { body } = fake.received.at(-1) ?? {}
    expect(body.messages.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'tool', 'user'])
  })
})

const fixtures = path.resolve('../shared/fixtures')
const replayer = path.join(fixtures, 'replay-upstream.mjs')
const replayed = [
  ['openai', 'parallel-tools-stream', {}],
  ['groq', 'tool-stream', {}],
  ['gemini', 'tool-stream', {}],
  ['gemini', 'thoughts-stream', {}],
  ['mistral', 'tool-incremental-stream', {}],
  ['xai', 'tool-stream', {}],
  ['ollama', 'openai-compat-text-stream', { dialect: 'chat' }],
  ['deepseek', 'reasoning-tool-stream', { dialect: 'chat' }],
  ['openrouter', 'claude-reasoning-stream', { dialect: 'chat' }],
] as const

describe.skipIf(!existsSync(replayer))('recorded answers, replayed in pieces of 7 bytes', () => {
  test.each(replayed)('%s %s', async (name, recording, section) => {
    const { expected } = JSON.parse(
      readFileSync(path.join(fixtures, 'recordings', name, `${recording}.meta.json`), 'utf8'),
    )
    const port = await freePort()
    const child = spawn(process.execPath, [replayer], {
      env: { PATH: process.env.PATH, PORT: String(port) },
      stdio: 'pipe',
    })
    await new Promise<void>((resolve) => child.stderr.once('data', () => resolve()))
    const baseUrl = `http://127.0.0.1:${port}/r/${name}/${recording}/chunk=7/v1`
    const replay = await startGateway({
      upstreamUrl: baseUrl,
      providers: { default: name, [name]: { baseUrl, apiKey: 'k', ...section } },
    })
    try {
      const sdk = new Anthropic({ baseURL: replay.proxyUrl, apiKey: callersKey, maxRetries: 0 })
      const message = await sdk.messages
        .stream({ model: 'some-model', max_tokens: 500, tools, messages: [{ role: 'user', content: 'go on' }] })
        .finalMessage()
      const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
      const calls = message.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
      )
      expect(text).toBe(expected.text)
      expect(calls).toEqual(callsOf(expected))
      expect((await replay.exchanges()).at(-1)).toMatchObject({
        provider: name,
        outcome: 'ok',
        usageSource: expected.usage === null ? 'estimated' : 'reported',
      })
    } finally {
      await replay.stop()
      child.kill()
    }
  })
})

interface Digest {
  readonly tool_calls?: readonly { name: string; input: unknown }[]
  readonly function_calls?: readonly { name: string; args: unknown }[]
}

const callsOf = ({ tool_calls: calls, function_calls: functions }: Digest) =>
  calls?.map(({ name, input }) => ({ name, input })) ??
  functions?.map(({ name, args }) => ({ name, input: args })) ??
  []

async function failureOf(call: () => Promise<unknown>) {
  try {
    await call()
  } catch (error) {
    if (error instanceof Anthropic.APIError) {
      const body = error.error as { error?: { type?: string } }
      return { status: error.status, type: body.error?.type, message: error.message, headers: error.headers as Headers }
    }
    throw error
  }
  throw new Error('the call succeeded')
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { chunked, contextFor, parse, sent, streamThrough } from '../../../test/support/messages-dialect.ts'
import { packState } from '../shared/provider-state.ts'
import { anthropicMessages, canCarry, messagesQuirks } from './index.ts'

const { ollama, deepseek, openrouter, compatible } = messagesQuirks
const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more })
const user = (...content: object[]) => ({ role: 'user', content })
const assistant = (...content: object[]) => ({ role: 'assistant', content })
const tool = { name: 'Read', description: 'Reads.', input_schema: { $schema: 'x', type: 'object', properties: {} } }

describe('the request', () => {
  test('keeps words exactly and asks for the target’s model', () => {
    const { body, path } = sent(compatible, 'own', { system: 'You', messages: [user(text('  a\n')), user(text('b '))] })
    expect(body).toMatchObject({ model: 'm', max_tokens: 100, stream: false, system: [text('You')] })
    expect(body.messages).toEqual([user(text('  a\n')), user(text('b '))])
    expect(path).toBe('/v1/messages')
  })

  test('Attribution block and `metadata.user_id` never leave', () => {
    const { body, notes } = sent(ollama, 'ollama', {
      system: [text('x-anthropic-billing-header: cc_version=1;'), text('You')],
      metadata: { user_id: 'user_secret' },
    })
    expect(JSON.stringify(body)).not.toMatch(/billing|secret/)
    expect(notes).toContainEqual({ what: 'system:attribution', how: 'dropped' })
    expect(notes).toContainEqual({ what: 'metadata.user_id', how: 'dropped' })
    expect(sent(openrouter, 'openrouter', { metadata: { user_id: 'u' } }, {}, 'h4sh').body.metadata).toEqual({
      user_id: 'h4sh',
    })
  })

  test('`cache_control` goes only where it is taken', () => {
    const marked = {
      system: [text('You', { cache_control: { type: 'ephemeral' } })],
      tools: [{ ...tool, cache_control: {} }],
    }
    expect(JSON.stringify(sent(deepseek, 'deepseek', marked).body)).not.toContain('cache_control')
    expect(JSON.stringify(sent(openrouter, 'openrouter', marked).body)).not.toContain('cache_control')
    expect(sent(openrouter, 'openrouter', marked, { cacheControl: true }).body.system[0]).toHaveProperty(
      'cache_control',
    )
  })

  test('`thinking` history: its own signature back, Anthropic’s and others’ never', () => {
    const own = { type: 'thinking', thinking: '', signature: packState('deepseek', { text: 'hm', signature: 'ds1' }) }
    const foreign = { type: 'thinking', thinking: 'x', signature: 'EqQBCkYIBBgC' }
    const { body, notes } = sent(deepseek, 'deepseek', {
      messages: [user(text('a')), assistant(own, text('b')), user(text('c')), assistant(foreign), user(text('d'))],
    })
    expect(body.messages[1].content[0]).toEqual({ type: 'thinking', thinking: 'hm', signature: 'ds1' })
    expect(JSON.stringify(body)).not.toContain('EqQBCkYIBBgC')
    // Assistant turn with thinking only: dropped where nothing remains.
    expect(body.messages).toHaveLength(4)
    expect(notes).toContainEqual({ what: 'block:thinking', how: 'dropped' })
  })

  test('`role:"system"` inside `messages` is user text in its place', () => {
    const { body } = sent(ollama, 'ollama', { messages: [user(text('a')), { role: 'system', content: 'Be brief' }] })
    expect(body.messages[1]).toEqual(user(text('<system-reminder>\nBe brief\n</system-reminder>')))
  })

  test('images by address, documents and images for blind models are refused by name', () => {
    const image = { type: 'image', source: { type: 'url', url: 'https://a/b.png' } }
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'eA==' } }
    expect(() => sent(ollama, 'ollama', { messages: [user(image)] })).toThrow(/messages\.0\.content\.0\.source/)
    expect(() => sent(deepseek, 'deepseek', { messages: [user(pdf)] })).toThrow(/takes no such documents/)
    const seen = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'eA==' } }
    expect(() => sent(deepseek, 'deepseek', { messages: [user(seen)] }, { images: false })).toThrow(/takes no images/)
    expect(sent(openrouter, 'openrouter', { messages: [user(pdf, image)] }).body.messages[0].content).toEqual([
      pdf,
      image,
    ])
  })

  test('`document` of text, `search_result` and `tool_reference` become text, unknown blocks are refused', () => {
    const { body } = sent(ollama, 'ollama', {
      messages: [
        user(
          { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'D' } },
          { type: 'search_result', title: 'S', source: 'https://s', content: [text('found')] },
        ),
      ],
    })
    expect(body.messages[0].content).toEqual([text('T\n\nD'), text('S\nhttps://s\n\nfound')])
    expect(() => sent(ollama, 'ollama', { messages: [user({ type: 'hologram' })] })).toThrow(/"hologram"/)
  })

  test('tools lose what only Anthropic knows; server tools are dropped, and refused where they are forced', () => {
    const hosted = { type: 'web_search_20250305', name: 'web_search' }
    const { body, notes } = sent(deepseek, 'deepseek', {
      tools: [{ ...tool, strict: true, eager_input_streaming: true }, hosted],
    })
    expect(body.tools).toEqual([
      { name: 'Read', description: 'Reads.', input_schema: { type: 'object', properties: {} } },
    ])
    expect(notes).toContainEqual({ what: 'tool:web_search', how: 'dropped' })
    expect(() =>
      sent(deepseek, 'deepseek', { tools: [hosted], tool_choice: { type: 'tool', name: 'web_search' } }),
    ).toThrow(/runs at Anthropic/)
  })

  test('deferred tools go along once the conversation loaded them', () => {
    const deferred = { ...tool, name: 'Deep', defer_loading: true }
    const search = { type: 'tool_search_tool_regex_20251119', name: 'tool_search' }
    const names = (messages: object[]) =>
      (sent(deepseek, 'deepseek', { tools: [tool, deferred, search], messages }).body.tools as { name: string }[]).map(
        ({ name }) => name,
      )
    expect(names([user(text('a'))])).toEqual(['Read'])
    expect(names([user({ type: 'tool_reference', tool_name: 'Deep' })])).toEqual(['Read', 'Deep'])
  })

  test('`max_tokens` is clamped to the model, adaptive thinking gets a budget, Anthropic’s own fields are noted', () => {
    const { body, notes } = sent(
      deepseek,
      'deepseek',
      { max_tokens: 64_000, thinking: { type: 'adaptive' }, service_tier: 'auto', nonsense: 1 },
      { maxOutputTokens: 8_000 },
    )
    expect(body).toMatchObject({ max_tokens: 8_000, thinking: { type: 'enabled', budget_tokens: 7_999 } })
    expect(notes).toEqual(
      expect.arrayContaining([
        { what: 'max_tokens', how: 'clamped' },
        { what: 'thinking', how: 'converted' },
        { what: 'service_tier', how: 'dropped' },
        { what: 'other_field', how: 'dropped' },
      ]),
    )
    expect(() => sent(deepseek, 'deepseek', { container: 'c' })).toThrow(/^container/)
  })

  test('what ollama’s Messages path cannot say is told, so that another path is taken', () => {
    expect(canCarry(parse({ tools: [tool] }), ollama)).toBe(true)
    expect(canCarry(parse({ tools: [tool], tool_choice: { type: 'any' } }), ollama)).toBe(false)
    expect(canCarry(parse({ output_config: { format: { type: 'json_schema', schema: {} } } }), ollama)).toBe(false)
    expect(canCarry(parse({ output_config: { format: { type: 'json_schema', schema: {} } } }), deepseek)).toBe(true)
  })
})

const sse = (...events: (object & { type: string })[]) =>
  Buffer.from(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
const start = (usage: object = { input_tokens: 9, output_tokens: 1 }) => ({
  type: 'message_start',
  message: { id: 'x', type: 'message', role: 'assistant', model: 'qwen3', content: [], usage },
})
const block = (index: number, content_block: object) => ({ type: 'content_block_start', index, content_block })
const delta = (index: number, change: object) => ({ type: 'content_block_delta', index, delta: change })
const close = (index: number) => ({ type: 'content_block_stop', index })
const ending = (stop_reason: string, usage: object = { output_tokens: 5 }) => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  usage,
})
const stop = { type: 'message_stop' }

const whole = sse(
  start(),
  block(0, { type: 'thinking', thinking: '', signature: '' }),
  delta(0, { type: 'thinking_delta', thinking: 'hm … ü' }),
  delta(0, { type: 'signature_delta', signature: 'sig' }),
  close(0),
  block(1, { type: 'text', text: '' }),
  delta(1, { type: 'text_delta', text: 'Hi' }),
  close(1),
  block(2, { type: 'tool_use', id: 'call_1', name: 'Read', input: {} }),
  delta(2, { type: 'input_json_delta', partial_json: '{"a":' }),
  delta(2, { type: 'input_json_delta', partial_json: '1}' }),
  close(2),
  ending('tool_use'),
  stop,
)

describe('the answer', () => {
  test.each([1, 7, 0, 100_000])('is the same at any chunking (%i bytes)', (size) => {
    const { text: out, error, facts } = streamThrough(ollama, contextFor('ollama'), chunked(whole, size))
    expect(error).toBeNull()
    const { message } = checkEventStream(out)
    expect(message).toMatchObject({
      id: 'msg_1',
      model: 'opus',
      stop_reason: 'tool_use',
      usage: { input_tokens: 9, output_tokens: 5 },
    })
    expect(message.content).toEqual([
      { type: 'thinking', thinking: 'hm … ü', signature: packState('ollama', { text: 'hm … ü', signature: 'sig' }) },
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', id: 'call_1', name: 'Read', input: { a: 1 } },
    ])
    expect(facts).toMatchObject({ usageReported: true, servedModel: 'qwen3', flags: [] })
  })

  test('in CRLF, with comments, and without the last blank line it is the same', () => {
    const odd = Buffer.from(`: hello\r\n\r\n${whole.toString().replaceAll('\n', '\r\n').trimEnd()}`)
    expect(streamThrough(ollama, contextFor('ollama'), [odd]).text).toBe(
      streamThrough(ollama, contextFor('ollama'), [whole]).text,
    )
  })

  test('EOF without a stop reason is a failure, and so are an error event and half a tool input', () => {
    const cut = whole.subarray(0, whole.indexOf('event: message_delta'))
    expect(streamThrough(ollama, contextFor('ollama'), [cut]).error?.type).toBe('provider_stream_cut')
    const failing = sse(start(), { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } as never)
    expect(streamThrough(ollama, contextFor('ollama'), [failing]).error?.type).toBe('provider_overloaded')
    const half = sse(
      start(),
      block(0, { type: 'tool_use', id: 'c', name: 'R' }),
      delta(0, { partial_json: '{"a' }),
      close(0),
      ending('tool_use'),
      stop,
    )
    expect(streamThrough(ollama, contextFor('ollama'), [half]).error?.type).toBe('provider_bad_response')
  })

  test('finish `end_turn` although calls exist is `tool_use`; `tool_use` without any call is `end_turn`', () => {
    const message = (stop_reason: string, content: object[]) =>
      JSON.parse(
        anthropicMessages(ollama).fromUpstream(
          Buffer.from(
            JSON.stringify({ type: 'message', content, stop_reason, usage: { input_tokens: 1, output_tokens: 1 } }),
          ),
          contextFor('ollama'),
          'message',
        ).text,
      )
    expect(message('end_turn', [{ type: 'tool_use', id: '', name: 'R', input: { b: 2 } }])).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', id: 'toolu_new0', input: { b: 2 } }],
    })
    expect(message('tool_use', [text('x')]).stop_reason).toBe('end_turn')
  })

  test('a whole message as events and as a message say the same', () => {
    const body = Buffer.from(
      JSON.stringify({
        ...{ type: 'message', model: 'q', stop_reason: 'stop_sequence', stop_sequence: 'END' },
        content: [{ type: 'thinking', thinking: 'a', signature: 's' }, text('b')],
        usage: { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 2, cost: 0.5 },
      }),
    )
    const dialect = anthropicMessages(openrouter)
    const one = dialect.fromUpstream(body, contextFor('openrouter'), 'message')
    const events = dialect.fromUpstream(body, contextFor('openrouter'), 'events')
    expect(checkEventStream(events.text).message).toMatchObject({
      content: JSON.parse(one.text).content,
      stop_reason: 'stop_sequence',
      stop_sequence: 'END',
      usage: { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 2 },
    })
    expect(one.facts.costUsd).toBe(0.5)
  })

  test('HTTP 200 with a JSON error body is an error', () => {
    const body = Buffer.from(
      JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } }),
    )
    expect(() => anthropicMessages(ollama).fromUpstream(body, contextFor('ollama'), 'message')).toThrow(/429|slow down/)
    expect(anthropicMessages(ollama).toFailure(401, [], body, 0)).toMatchObject({
      type: 'provider_auth_failed',
      status: 502,
    })
  })
})

const root = '../shared/fixtures/recordings/anthropic'

describe.skipIf(!existsSync(root))('recorded answers of Anthropic, as another provider would send them', () => {
  const streams = existsSync(root) ? readdirSync(root).filter((file) => file.endsWith('.sse')) : []
  test.each(streams)('%s is the same at every chunking, and a whole message or a failure', (file) => {
    const body = readFileSync(`${root}/${file}`)
    const seen = [body.length, 0, 7, 1].map((size) => streamThrough(compatible, contextFor('own'), chunked(body, size)))
    for (const { text: out, error } of seen) {
      expect({ out, type: error?.type }).toEqual({ out: seen[0]?.text, type: seen[0]?.error?.type })
      if (error === null) checkEventStream(out)
    }
  })
})

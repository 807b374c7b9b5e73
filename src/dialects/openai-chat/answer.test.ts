import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, sent, streamThrough } from '../../../test/support/openai-chat.ts'
import { isPackedState } from '../shared/provider-state.ts'
import { type ChatQuirks, chatQuirks, openAiChat } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, compatible } = chatQuirks

type Delta = Record<string, unknown>
const chunk = (delta: Delta, finish: string | null = null, more: object = {}) => ({
  id: 'c',
  model: 'served',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
})
const piece = (call: Delta) => chunk({ tool_calls: [call] })
const bytes = (...events: (object | string)[]) =>
  events.map((event) => Buffer.from(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`))

/** A stream that must be complete: its message. */
function message(quirks: ChatQuirks, events: (object | string)[], context = contextFor('openai')) {
  const seen = streamThrough(quirks, context, bytes(...events, '[DONE]'))
  expect(seen.error).toBeNull()
  const stream = checkEventStream(seen.text)
  expect(stream.complete).toBe(true)
  const { stop_reason, stop_sequence } = stream.message
  return { ...stream.message, stop_reason, stop_sequence, flags: seen.facts.flags, facts: seen.facts }
}
const failed = (quirks: ChatQuirks, events: (object | string)[], context = contextFor('openai')) =>
  streamThrough(quirks, context, bytes(...events))
const whole = (quirks: ChatQuirks, answer: object, context = contextFor('openai')) =>
  answerFrom(quirks, context, Buffer.from(JSON.stringify(answer)), 'message').message
const completion = (said: Delta, finish = 'stop', more: object = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', ...said }, finish_reason: finish }],
  usage: { prompt_tokens: 9, completion_tokens: 3 },
  ...more,
})
const call = (id: string, name = 'read', args: unknown = '{"a":1}') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
})
const types = ({ content }: { content: Record<string, unknown>[] }) => content.map(({ type }) => type)

test('Block order: thinking, text, tool_use in order of arrival, all kept', () => {
  const seen = message(deepseek, [
    chunk({ reasoning_content: 'hm' }),
    chunk({ content: ' I look' }),
    piece({ index: 0, ...call('t1') }),
    chunk({}, 'tool_calls'),
  ])
  expect(types(seen)).toEqual(['thinking', 'text', 'tool_use'])
  const answer = whole(
    deepseek,
    completion({ content: 'I look', reasoning_content: 'hm', tool_calls: [call('t1')] }, 'tool_calls'),
  )
  expect(types(answer as never)).toEqual(['thinking', 'text', 'tool_use'])
})

test('finish `stop` although calls exist: `tool_use`', () => {
  expect(message(openai, [piece({ index: 0, ...call('t1') }), chunk({}, 'stop')]).stop_reason).toBe('tool_use')
  expect(whole(openai, completion({ tool_calls: [call('t1')] })).stop_reason).toBe('tool_use')
})

test('finish `tool_calls` without any call: `end_turn`, recorded', () => {
  const seen = message(openai, [chunk({ content: 'x' }), chunk({}, 'tool_calls')])
  expect(seen.stop_reason).toBe('end_turn')
  expect(seen.flags).toContain('finish_without_calls')
})

test('`content_filter`, `message.refusal`: `refusal`; refusal text as a text block', () => {
  expect(message(openai, [chunk({ content: 'x' }), chunk({}, 'content_filter')]).stop_reason).toBe('refusal')
  expect(message(openai, [chunk({ refusal: 'I ' }), chunk({ refusal: 'cannot' }), chunk({}, 'stop')])).toMatchObject({
    stop_reason: 'refusal',
    content: [{ type: 'text', text: 'I cannot' }],
  })
  expect(whole(openai, completion({ content: null, refusal: 'no' }))).toMatchObject({ stop_reason: 'refusal' })
})

test('Which stop sequence hit: told by vLLM, else `end_turn`, null', () => {
  const context = () => contextFor('openai-compatible', { stop_sequences: ['END'] })
  const end = (more: object) => ({ choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'stop', ...more }] })
  expect(message(compatible, [end({ stop_reason: 'END' })], context())).toMatchObject({
    stop_reason: 'stop_sequence',
    stop_sequence: 'END',
  })
  for (const more of [{}, { stop_reason: null }, { stop_reason: 128_009 }, { stop_reason: 'other' }])
    expect(message(compatible, [end(more)], context())).toMatchObject({ stop_reason: 'end_turn', stop_sequence: null })
})

describe('Malformed tool JSON', () => {
  test('non-stream: 502 `api_error`', () => {
    expect(() => whole(openai, completion({ tool_calls: [call('t1', 'read', '{"a":')] }, 'tool_calls'))).toThrow(
      expect.objectContaining({ type: 'provider_bad_response', status: 502 }),
    )
  })
  test('stream: an error before the block closes', () => {
    const seen = failed(openai, [
      piece({ index: 0, ...call('t1', 'read', '{"a":') }),
      chunk({}, 'tool_calls'),
      '[DONE]',
    ])
    expect(seen.error?.type).toBe('provider_bad_response')
    expect(seen.text).not.toContain('content_block_stop')
  })
  test('a half tool call at the token limit is not closed as valid JSON', () => {
    const seen = message(openai, [piece({ index: 0, ...call('t1', 'read', '{"a":') }), chunk({}, 'length')])
    expect(seen).toMatchObject({ stop_reason: 'max_tokens', content: [{ input: { incomplete_json: '{"a":' } }] })
  })
})

test('Tool call without id: a `toolu_…` is generated', () => {
  const seen = message(openai, [
    piece({ index: 0, function: { name: 'a', arguments: '{}' } }),
    piece({ index: 1, id: '', function: { name: 'b' } }),
    chunk({}, 'tool_calls'),
  ])
  expect(seen.content.map(({ id }) => id)).toEqual(['toolu_new0', 'toolu_new1'])
})

test('Tool-call ids: those that fit go to the client as they are, others mapped, none twice', () => {
  const ids = (id: string) =>
    message(openai, [piece({ index: 0, ...call(id) }), chunk({}, 'tool_calls')]).content[0]?.id
  expect(ids('call_9-x')).toBe('call_9-x')
  expect(ids('functions.read:0')).toMatch(/^toolu_[0-9a-f]{24}$/)
  expect(ids('functions.read:0')).toBe(ids('functions.read:0'))
  const twice = whole(openai, completion({ tool_calls: [call('t'), call('t')] }, 'tool_calls')).content as {
    id: string
  }[]
  expect(new Set(twice.map(({ id }) => id)).size).toBe(2)
})

test('Text after a tool call: the tool block closes, a new text block opens', () => {
  const seen = message(openai, [
    chunk({ content: 'a' }),
    piece({ index: 0, ...call('t1') }),
    chunk({ content: 'b' }),
    chunk({}, 'stop'),
  ])
  expect(types(seen)).toEqual(['text', 'tool_use', 'text'])
})

test('Interleaved parallel call deltas', () => {
  const seen = message(openai, [
    piece({ index: 0, ...call('t1', 'read', '{"a"') }),
    piece({ index: 1, ...call('t2', 'write', '{"b"') }),
    piece({ index: 0, function: { arguments: ':1}' } }),
    piece({ index: 1, function: { arguments: ':2}' } }),
    chunk({}, 'tool_calls'),
  ])
  expect(seen.content).toEqual([
    { type: 'tool_use', id: 't1', name: 'read', input: { a: 1 } },
    { type: 'tool_use', id: 't2', name: 'write', input: { b: 2 } },
  ])
})

describe('Missing `index`, id repeated in each delta, same index with a new id, name later than arguments', () => {
  const inputs = (...pieces: Delta[]) =>
    message(compatible, [...pieces.map(piece), chunk({}, 'tool_calls')]).content.map(({ name, input }) => [name, input])
  const args = (text: string, more: object = {}) => ({ function: { arguments: text }, ...more })
  test('missing index: the id tells, else the last', () => {
    expect(inputs(call('t1', 'a', '{"x"'), args(':1}', { id: 't1' }), call('t2', 'b', '{"y"'), args(':2}'))).toEqual([
      ['a', { x: 1 }],
      ['b', { y: 2 }],
    ])
  })
  test('id repeated in each delta', () => {
    expect(inputs({ index: 0, ...call('t1', 'a', '{"x"') }, args(':1}', { index: 0, id: 't1' }))).toEqual([
      ['a', { x: 1 }],
    ])
  })
  test('same index with a new id: a new call', () => {
    expect(inputs({ index: 0, ...call('t1', 'a') }, { index: 0, ...call('t2', 'b') })).toEqual([
      ['a', { a: 1 }],
      ['b', { a: 1 }],
    ])
  })
  test('name later than arguments; an empty name does not overwrite', () => {
    expect(
      inputs(
        args('{"x"', { index: 0, id: 't1' }),
        { index: 0, function: { name: 'a' } },
        { index: 0, function: { name: '', arguments: ':1}' } },
      ),
    ).toEqual([['a', { x: 1 }]])
  })
  test('neither index nor id: a name behind a whole input begins the next call', () => {
    expect(
      inputs({ function: { name: 'a', arguments: '{"x":1}' } }, { function: { name: 'a', arguments: '{"x":2}' } }),
    ).toEqual([
      ['a', { x: 1 }],
      ['a', { x: 2 }],
    ])
  })
  test('a call that never gets a name is no success', () => {
    expect(failed(openai, [piece(args('{}', { index: 0 })), chunk({}, 'tool_calls'), '[DONE]']).error?.type).toBe(
      'provider_bad_response',
    )
  })
})

test('Whole arguments in one chunk; arguments as object', () => {
  const context = contextFor('openai')
  const seen = streamThrough(xai, context, bytes(piece({ index: 0, ...call('t1') }), chunk({}, 'tool_calls'), '[DONE]'))
  expect(seen.text.split('input_json_delta')).toHaveLength(2)
  expect(
    message(compatible, [piece({ index: 0, ...call('t1', 'a', { x: [1] }) }), chunk({}, 'tool_calls')]).content[0]
      ?.input,
  ).toEqual({ x: [1] })
})

describe('Error chunk or `error` finish in mid-stream', () => {
  test.each([
    ['error object', { error: { message: 'boom', type: 'server_error' } }, 'provider_stream_error'],
    [
      'with a status (openrouter)',
      { error: { code: 429, message: 'slow down' }, choices: [] },
      'provider_rate_limited',
    ],
    ['flat (mistral)', { object: 'error', message: 'boom', type: 'x', code: null }, 'provider_stream_error'],
    ['text (xai)', { code: 'c', error: 'The service is currently unavailable' }, 'provider_overloaded'],
    ['`error` finish', chunk({}, 'error'), 'provider_stream_error'],
    ['insufficient_system_resource (deepseek)', chunk({}, 'insufficient_system_resource'), 'provider_overloaded'],
  ])('%s', (_name, event, type) => {
    const seen = failed(openrouter, [chunk({ content: 'half' }), event, chunk({ content: 'more' }, 'stop'), '[DONE]'])
    expect(seen.error?.type).toBe(type)
    expect(checkEventStream(seen.text).complete).toBe(false)
    expect(seen.text).toContain('half')
    expect(seen.text).not.toContain('more')
  })
  test('what stood before the error in the same bytes goes out first', () => {
    const stream = openAiChat(openai).translateStream(contextFor('openai'))
    const text = stream.push(Buffer.concat(bytes(chunk({ content: 'half' }), { error: { message: 'x' } })))
    expect(text).toContain('half')
    expect(stream.failure?.type).toBe('provider_stream_error')
  })
  test('with nothing written it is thrown at once, so that it can be tried elsewhere', () => {
    const stream = openAiChat(openai).translateStream(contextFor('openai'))
    expect(() => stream.push(Buffer.concat(bytes({ error: { message: 'x' } })))).toThrow()
  })
})

describe('EOF without finish reason', () => {
  test.each([
    ['cut', []],
    ['`[DONE]` without a finish reason', ['[DONE]']],
  ])('%s: an error, not `end_turn`', (_name, tail) => {
    const seen = failed(openai, [chunk({ content: 'half' }), ...tail])
    expect(seen.error?.type).toBe('provider_stream_cut')
    expect(checkEventStream(seen.text).complete).toBe(false)
  })
  test('nothing at all', () => {
    expect(failed(openai, []).error?.type).toBe('provider_stream_cut')
  })
  test('no `[DONE]` after a finish reason is fine', () => {
    expect(failed(openai, [chunk({ content: 'x' }, 'stop')]).error).toBeNull()
  })
})

test('Usage on the choice, after finish, in a `choices:[]` chunk, or absent', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 4 }
  const counts = { input_tokens: 10, output_tokens: 4 }
  const end = chunk({ content: 'x' }, 'stop')
  const onChoice = { choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] }
  for (const events of [
    [chunk({ content: 'x' }), onChoice],
    [end, { choices: [], usage }],
    [end, { choices: null, usage }],
    [end, chunk({ content: '' }, null, { usage })],
  ])
    expect(message(openai, events).usage).toMatchObject(counts)
  expect(message(groq, [chunk({ content: 'x' }, 'stop', { x_groq: { usage } })]).usage).toMatchObject(counts)
  expect(
    message(xai, [
      chunk({ content: 'x' }, null, { usage: { prompt_tokens: 10, completion_tokens: 1 } }),
      { ...end, usage },
    ]).usage,
  ).toMatchObject(counts)
  const absent = message(openai, [chunk({ content: 'four chars' }, 'stop')])
  expect(absent.usage).toMatchObject({ input_tokens: 12, output_tokens: 3 })
  expect(absent.flags).toContain('usage_estimated')
  expect(absent.facts.usageReported).toBe(false)
})

test('`message_start` usage: the estimate first, true values in `message_delta`', () => {
  const { text } = streamThrough(
    openai,
    contextFor('openai'),
    bytes(
      chunk({ content: 'x' }, 'stop'),
      { choices: [], usage: { prompt_tokens: 99, completion_tokens: 1 } },
      '[DONE]',
    ),
  )
  expect(text.slice(0, text.indexOf('content_block_start'))).toContain('"input_tokens":12')
  expect(checkEventStream(text).message.usage.input_tokens).toBe(99)
})

describe('Reasoning in `reasoning_content`, `reasoning`, `reasoning_details`, content parts `thinking`, `<think>` tags', () => {
  const detail = { type: 'reasoning.text', text: 'hm', index: 0 }
  test.each<[string, ChatQuirks, Delta]>([
    ['reasoning_content', deepseek, { reasoning_content: 'hm' }],
    ['reasoning', groq, { reasoning: 'hm' }],
    ['reasoning_details', openrouter, { reasoning_details: [detail] }],
    ['both of one text', openrouter, { reasoning: 'hm', reasoning_details: [detail] }],
    ['two fields of one text', compatible, { reasoning: 'hm', reasoning_content: 'hm' }],
    ['parts', mistral, { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }],
    ['tags', compatible, { content: '<think>hm</think>' }],
  ])('%s: one thinking block, signed for the next turn', (_name, quirks, delta) => {
    const seen = message(quirks, [chunk(delta), chunk({ content: 'so' }, 'stop')])
    expect(types(seen)).toEqual(['thinking', 'text'])
    expect(seen.content[0]).toMatchObject({ thinking: 'hm' })
    expect(isPackedState(seen.content[0]?.signature)).toBe(true)
    expect(seen.content[1]).toMatchObject({ text: 'so' })
  })
  test('repeated deltas are skipped (xai)', () => {
    const seen = message(xai, [
      chunk({ reasoning_content: 'a' }),
      chunk({ reasoning_content: 'a' }),
      chunk({ reasoning_content: 'b' }),
      chunk({ content: 'x' }, 'stop'),
    ])
    expect(seen.content[0]).toMatchObject({ thinking: 'ab' })
  })
  test.each<[string, ChatQuirks, string, Delta, Delta]>([
    ['deepseek', deepseek, 'deepseek', { reasoning_content: 'hm' }, { reasoning_content: 'hm' }],
    ['groq', groq, 'groq', { reasoning: 'hm' }, { reasoning: 'hm' }],
    [
      'openrouter',
      openrouter,
      'openrouter',
      { reasoning: 'hm', reasoning_details: [{ ...detail, signature: 's' }] },
      { reasoning_details: [{ ...detail, signature: 's' }] },
    ],
  ])('goes round: what %s thought returns to it as it came', (_name, quirks, provider, delta, back) => {
    const { content } = message(
      quirks,
      [chunk(delta), piece({ index: 0, ...call('t1') }), chunk({}, 'tool_calls')],
      contextFor(provider),
    )
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1' }] },
    ]
    expect(sent(quirks, { messages }, {}, provider).body.messages[1]).toMatchObject(back)
  })
  test('streamed details are joined, late ones get a block of their own', () => {
    const { content } = message(
      openrouter,
      [
        chunk({ reasoning_details: [{ ...detail, text: 'h' }] }),
        chunk({ reasoning_details: [{ ...detail, text: 'm' }] }),
        chunk({ content: 'x' }),
        chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'zz', index: 1 }] }),
        chunk({}, 'stop'),
      ],
      contextFor('openrouter'),
    )
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: 'b' },
    ]
    expect(sent(openrouter, { messages }, {}, 'openrouter').body.messages[1].reasoning_details).toEqual([
      detail,
      { type: 'reasoning.encrypted', data: 'zz', index: 1 },
    ])
  })
  test('`display: omitted`: the text stays hidden, the state comes', () => {
    const context = contextFor('deepseek', { thinking: { type: 'adaptive', display: 'omitted' } })
    const { content } = message(
      deepseek,
      [chunk({ reasoning_content: 'hm' }), chunk({ content: 'x' }, 'stop')],
      context,
    )
    expect(content[0]).toMatchObject({ type: 'thinking', thinking: '' })
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: 'b' },
    ]
    expect(sent(deepseek, { messages }, {}, 'deepseek').body.messages[1].reasoning_content).toBe('hm')
  })
})

test('SSE: comments, no space after `data:`, CRLF, split UTF-8, several data lines', () => {
  const stream = `: OPENROUTER PROCESSING\r\n\r\ndata:${JSON.stringify(chunk({ content: 'naïve €' }))}\r\n\r\nretry: 3\r\nid: 7\r\ndata: {"choices":\r\ndata: [{"delta":{},"finish_reason":"stop"}]}\r\n\r\ndata:[DONE]`
  const split = Array.from(Buffer.from(stream), (byte) => Buffer.from([byte]))
  for (const chunks of [split, [Buffer.from(stream)]]) {
    const seen = streamThrough(openrouter, contextFor('openrouter'), chunks)
    expect(seen.error).toBeNull()
    expect(checkEventStream(seen.text).message.content).toEqual([{ type: 'text', text: 'naïve €' }])
  }
})

describe('HTTP 200 with a JSON error body on a stream request (xai, openrouter)', () => {
  test.each([
    [xai, { code: 'Client specified an invalid argument', error: 'bad model' }, 400],
    [openrouter, { error: { code: 502, message: 'upstream' } }, 502],
    [openrouter, { error: { code: 402, message: 'no credits' } }, 402],
  ])('an HTTP error', (quirks, body, status) => {
    expect(() => answerFrom(quirks, contextFor('xai'), Buffer.from(JSON.stringify(body)), 'events')).toThrow(
      expect.objectContaining({ status }),
    )
  })
})

describe('No choices, null choices, empty answer', () => {
  test.each([{ choices: null }, { choices: [] }, { id: 'x' }])('%j: 502', (body) => {
    expect(() => whole(openrouter, body)).toThrow(
      expect.objectContaining({ type: 'provider_bad_response', status: 502 }),
    )
    expect(failed(openrouter, [body, '[DONE]']).error?.status).toBe(502)
  })
  test('a real empty answer: `content:[]`, `end_turn`', () => {
    for (const seen of [whole(openai, completion({ content: '' })), message(openai, [chunk({ content: '' }, 'stop')])])
      expect(seen).toMatchObject({ content: [], stop_reason: 'end_turn' })
  })
  test('no JSON at all', () => {
    expect(() => answerFrom(openai, contextFor('openai'), Buffer.from('<html>'), 'message')).toThrow(
      'not a JSON object',
    )
    expect(failed(openai, ['{"half":']).error?.type).toBe('provider_bad_response')
  })
})

describe('Stop reasons', () => {
  test.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['model_length', 'model_context_window_exceeded'],
    ['content_filter', 'refusal'],
    ['eos', 'end_turn'],
  ])('`%s`: %s', (finish, expected) => {
    expect(message(mistral, [chunk({ content: 'x' }, finish)]).stop_reason).toBe(expected)
  })
  test.each(['tool_calls', 'function_call', 'whatever'])('`%s` with a call: tool_use', (finish) => {
    expect(message(openai, [piece({ index: 0, ...call('t1') }), chunk({}, finish)]).stop_reason).toBe('tool_use')
    expect(
      message(openai, [chunk({ function_call: { name: 'a', arguments: '{}' } }, finish)]).content[0],
    ).toMatchObject({ name: 'a' })
  })
  test('unknown without content: `api_error`; with: counted', () => {
    expect(failed(openai, [chunk({}, 'whatever'), '[DONE]']).error?.status).toBe(502)
    expect(message(openai, [chunk({ content: 'x' }, 'whatever')]).flags).toContain('unknown_finish')
  })
})

describe('Assistant prefill', () => {
  const context = () =>
    contextFor('xai', {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'Once upon' },
      ],
    })
  test.each([
    ['xai', xai],
    ['mistral', mistral],
    ['openai', openai],
  ])('%s: an echoed prefix is removed', (_name, quirks) => {
    for (const events of [['Once', ' upon', ' a time'], ['Once upon a time'], [' a time']]) {
      const seen = message(quirks, [...events.map((content) => chunk({ content })), chunk({}, 'stop')], context())
      expect(seen.content).toEqual([{ type: 'text', text: ' a time' }])
    }
  })
  test('what only begins like the prefix is kept', () => {
    expect(message(xai, [chunk({ content: 'Once' }, 'stop')], context()).content).toEqual([
      { type: 'text', text: 'Once' },
    ])
  })
})

test('Tool names: the caller’s name is restored in the response', () => {
  const context = contextFor('openai', {}, new Map([['short_1', 'mcp__long']]))
  expect(
    message(openai, [piece({ index: 0, ...call('t1', 'short_1') }), chunk({}, 'tool_calls')], context).content[0]?.name,
  ).toBe('mcp__long')
})

describe('groq: 400 with code `tool_use_failed` and `failed_generation`', () => {
  const tools = [
    {
      name: 'get',
      input_schema: {
        type: 'object',
        properties: { name: { type: 'string' } },
        required: ['name'],
        additionalProperties: false,
      },
    },
  ]
  const error = (generation: string) => ({
    error: { message: 'no', type: 'invalid_request_error', code: 'tool_use_failed', failed_generation: generation },
  })
  const context = () => contextFor('groq', { tools })
  test.each([
    '{"name":"get","arguments":{"name":"x"}}',
    '[{"name":"get","parameters":{"name":"x"}}]',
    '<function=get>{"name":"x"}</function>',
  ])('a declared call with valid arguments is delivered: %s', (generation) => {
    const call = { type: 'tool_use', name: 'get', input: { name: 'x' } }
    const seen = message(groq, [chunk({ reasoning: 'hm' }), error(generation)], context())
    expect(seen.content[1]).toMatchObject(call)
    expect(seen.flags).toContain('call_recovered')
    const answer = openAiChat(groq).recover?.(400, Buffer.from(JSON.stringify(error(generation))), context(), 'message')
    expect(JSON.parse(answer?.text ?? '')).toMatchObject({ content: [call], stop_reason: 'tool_use' })
  })
  test.each([
    '{"name":"get","arguments":{}}',
    '{"name":"get","arguments":{"name":1}}',
    '{"name":"other","arguments":{"name":"x"}}',
    'prose',
  ])('else an error: %s', (generation) => {
    expect(failed(groq, [chunk({ reasoning: 'hm' }), error(generation)], context()).error?.status).toBe(400)
    expect(
      openAiChat(groq).recover?.(400, Buffer.from(JSON.stringify(error(generation))), context(), 'message'),
    ).toBeNull()
  })
})

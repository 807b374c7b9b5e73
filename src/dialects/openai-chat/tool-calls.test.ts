import { describe, expect, test } from 'vitest'
import {
  bytes,
  call,
  chunk,
  completion,
  contextFor,
  type Delta,
  failed,
  messageOf,
  piece,
  streamThrough,
  types,
  whole,
} from '../../../test/support/openai-chat.ts'
import { chatQuirks, openAiChat } from './index.ts'

const { openai, groq, xai, compatible } = chatQuirks

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
    const seen = messageOf(openai, [piece({ index: 0, ...call('t1', 'read', '{"a":') }), chunk({}, 'length')])
    expect(seen).toMatchObject({ stop_reason: 'max_tokens', content: [{ input: { incomplete_json: '{"a":' } }] })
  })
})

test('Tool call without id: a `toolu_…` is generated', () => {
  const seen = messageOf(openai, [
    piece({ index: 0, function: { name: 'a', arguments: '{}' } }),
    piece({ index: 1, id: '', function: { name: 'b' } }),
    chunk({}, 'tool_calls'),
  ])
  expect(seen.content.map(({ id }) => id)).toEqual(['toolu_new0', 'toolu_new1'])
})

test('Tool-call ids: those that fit go to the client as they are, others mapped, none twice', () => {
  const ids = (id: string) =>
    messageOf(openai, [piece({ index: 0, ...call(id) }), chunk({}, 'tool_calls')]).content[0]?.id
  expect(ids('call_9-x')).toBe('call_9-x')
  expect(ids('functions.read:0')).toMatch(/^toolu_[0-9a-f]{24}$/)
  expect(ids('functions.read:0')).toBe(ids('functions.read:0'))
  const twice = whole(openai, completion({ tool_calls: [call('t'), call('t')] }, 'tool_calls')).content as {
    id: string
  }[]
  expect(new Set(twice.map(({ id }) => id)).size).toBe(2)
})

test('Text after a tool call: the tool block closes, a new text block opens', () => {
  const seen = messageOf(openai, [
    chunk({ content: 'a' }),
    piece({ index: 0, ...call('t1') }),
    chunk({ content: 'b' }),
    chunk({}, 'stop'),
  ])
  expect(types(seen)).toEqual(['text', 'tool_use', 'text'])
})

test('Interleaved parallel call deltas', () => {
  const seen = messageOf(openai, [
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
    messageOf(compatible, [...pieces.map(piece), chunk({}, 'tool_calls')]).content.map(({ name, input }) => [
      name,
      input,
    ])
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
    messageOf(compatible, [piece({ index: 0, ...call('t1', 'a', { x: [1] }) }), chunk({}, 'tool_calls')]).content[0]
      ?.input,
  ).toEqual({ x: [1] })
})

test('Tool names: the caller’s name is restored in the response', () => {
  const context = contextFor('openai', {}, new Map([['short_1', 'mcp__long']]))
  expect(
    messageOf(openai, [piece({ index: 0, ...call('t1', 'short_1') }), chunk({}, 'tool_calls')], context).content[0]
      ?.name,
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
    const seen = messageOf(groq, [chunk({ reasoning: 'hm' }), error(generation)], context())
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

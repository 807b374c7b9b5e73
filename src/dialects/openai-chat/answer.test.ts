import { describe, expect, test } from 'vitest'
import {
  answerFrom,
  call,
  chunk,
  completion,
  contextFor,
  failed,
  messageOf,
  piece,
  types,
  whole,
} from '../../../test/support/openai-chat.ts'
import { chatQuirks } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, compatible } = chatQuirks

test('Block order: thinking, text, tool_use in order of arrival, all kept', () => {
  const seen = messageOf(deepseek, [
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
  expect(messageOf(openai, [piece({ index: 0, ...call('t1') }), chunk({}, 'stop')]).stop_reason).toBe('tool_use')
  expect(whole(openai, completion({ tool_calls: [call('t1')] })).stop_reason).toBe('tool_use')
})

test('finish `tool_calls` without any call: `end_turn`, recorded', () => {
  const seen = messageOf(openai, [chunk({ content: 'x' }), chunk({}, 'tool_calls')])
  expect(seen.stop_reason).toBe('end_turn')
  expect(seen.flags).toContain('finish_without_calls')
})

test('`content_filter`, `message.refusal`: `refusal`; refusal text as a text block', () => {
  expect(messageOf(openai, [chunk({ content: 'x' }), chunk({}, 'content_filter')]).stop_reason).toBe('refusal')
  expect(messageOf(openai, [chunk({ refusal: 'I ' }), chunk({ refusal: 'cannot' }), chunk({}, 'stop')])).toMatchObject({
    stop_reason: 'refusal',
    content: [{ type: 'text', text: 'I cannot' }],
  })
  expect(whole(openai, completion({ content: null, refusal: 'no' }))).toMatchObject({ stop_reason: 'refusal' })
})

test('Which stop sequence hit: told by vLLM, else `end_turn`, null', () => {
  const context = () => contextFor('openai-compatible', { stop_sequences: ['END'] })
  const end = (more: object) => ({ choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'stop', ...more }] })
  expect(messageOf(compatible, [end({ stop_reason: 'END' })], context())).toMatchObject({
    stop_reason: 'stop_sequence',
    stop_sequence: 'END',
  })
  for (const more of [{}, { stop_reason: null }, { stop_reason: 128_009 }, { stop_reason: 'other' }])
    expect(messageOf(compatible, [end(more)], context())).toMatchObject({
      stop_reason: 'end_turn',
      stop_sequence: null,
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
    expect(messageOf(openai, events).usage).toMatchObject(counts)
  expect(messageOf(groq, [chunk({ content: 'x' }, 'stop', { x_groq: { usage } })]).usage).toMatchObject(counts)
  expect(
    messageOf(xai, [
      chunk({ content: 'x' }, null, { usage: { prompt_tokens: 10, completion_tokens: 1 } }),
      { ...end, usage },
    ]).usage,
  ).toMatchObject(counts)
  const absent = messageOf(openai, [chunk({ content: 'four chars' }, 'stop')])
  expect(absent.usage).toMatchObject({ input_tokens: 12, output_tokens: 3 })
  expect(absent.flags).toContain('usage_estimated')
  expect(absent.facts.usageReported).toBe(false)
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
    for (const seen of [
      whole(openai, completion({ content: '' })),
      messageOf(openai, [chunk({ content: '' }, 'stop')]),
    ])
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
    expect(messageOf(mistral, [chunk({ content: 'x' }, finish)]).stop_reason).toBe(expected)
  })
  test.each(['tool_calls', 'function_call', 'whatever'])('`%s` with a call: tool_use', (finish) => {
    expect(messageOf(openai, [piece({ index: 0, ...call('t1') }), chunk({}, finish)]).stop_reason).toBe('tool_use')
    expect(
      messageOf(openai, [chunk({ function_call: { name: 'a', arguments: '{}' } }, finish)]).content[0],
    ).toMatchObject({ name: 'a' })
  })
  test('unknown without content: `api_error`; with: counted', () => {
    expect(failed(openai, [chunk({}, 'whatever'), '[DONE]']).error?.status).toBe(502)
    expect(messageOf(openai, [chunk({ content: 'x' }, 'whatever')]).flags).toContain('unknown_finish')
  })
})

import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { bytes, chunk, contextFor, failed, streamThrough } from '../../../test/support/openai-chat.ts'
import { chatQuirks, openAiChat } from './index.ts'

const { openai, openrouter } = chatQuirks

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

test('SSE: comments, no space after `data:`, CRLF, split UTF-8, several data lines', () => {
  const stream = `: OPENROUTER PROCESSING\r\n\r\ndata:${JSON.stringify(chunk({ content: 'naïve €\u2028' }))}\r\n\r\nretry: 3\r\nid: 7\r\ndata: {"choices":\r\ndata: [{"delta":{},"finish_reason":"stop"}]}\r\n\r\ndata:[DONE]`
  const split = Array.from(Buffer.from(stream), (byte) => Buffer.from([byte]))
  for (const chunks of [split, [Buffer.from(stream)]]) {
    const seen = streamThrough(openrouter, contextFor('openrouter'), chunks)
    expect(seen.error).toBeNull()
    expect(checkEventStream(seen.text).message.content).toEqual([{ type: 'text', text: 'naïve €\u2028' }])
  }
})

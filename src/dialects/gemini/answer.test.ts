import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import {
  answered,
  answerFrom,
  chunkOf,
  contextFor,
  cuts,
  events,
  goneBack,
  streamThrough,
} from '../../../test/support/gemini.ts'
import { isPackedState } from '../shared/provider-state.ts'
import { gemini } from './index.ts'

const call = (name: string, args: unknown = {}, more: object = {}) => ({ functionCall: { name, args }, ...more })
const thought = (text: string, more: object = {}) => ({ text, thought: true, ...more })
const through = (...chunks: unknown[]) => streamThrough(contextFor(), [events(...chunks)])
const errorOf = (...chunks: unknown[]) => through(...chunks).error
const kinds = (content: readonly { type?: unknown }[]) => content.map(({ type }) => type)

describe('Block order', () => {
  test('arrival order: thinking, text, tool_use; all kept', () => {
    const { content, stop_reason } = answered([
      chunkOf([thought('hm')]),
      chunkOf([{ text: 'I ' }, { text: 'read.' }]),
      chunkOf([call('read', { path: 'a' })], 'STOP'),
    ])
    expect(content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: expect.stringMatching(/^sbx1\.gemini\./) },
      { type: 'text', text: 'I read.' },
      { type: 'tool_use', id: 'toolu_new0', name: 'read', input: { path: 'a' } },
    ])
    expect(stop_reason).toBe('tool_use')
  })
  test('Text after a tool call: the tool block closes, a new text block opens', () => {
    const { content } = answered([chunkOf([call('a'), { text: 'then' }, call('b')], 'STOP')])
    expect(kinds(content)).toEqual(['tool_use', 'text', 'tool_use'])
  })
})

describe('finish', () => {
  test('finish `STOP` although calls exist: `tool_use`', () => {
    expect(answered([chunkOf([call('a')]), chunkOf([{ text: '' }], 'STOP')]).stop_reason).toBe('tool_use')
  })
  test.each([
    ['STOP', 'end_turn'],
    ['MAX_TOKENS', 'max_tokens'],
    ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'MODEL_ARMOR', 'LANGUAGE'].map((reason) => [
      reason,
      'refusal',
    ]),
    ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION', 'IMAGE_OTHER'].map((reason) => [
      reason,
      'refusal',
    ]),
  ])('%s: %s', (reason, stop) => {
    expect(answered([chunkOf([{ text: 'x' }], reason)])).toMatchObject({ stop_reason: stop, stop_sequence: null })
  })
  test.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MISSING_THOUGHT_SIGNATURE'])(
    '%s: `api_error`, before the first byte where nothing came',
    (reason) => {
      const seen = through(chunkOf([], reason))
      expect(seen.text).toBe('')
      expect(seen.error).toMatchObject({ type: 'provider_bad_response', anthropicType: 'api_error', status: 502 })
    },
  )
  test('`OTHER`, unknown: `end_turn` if content was produced, else `api_error`; counted', () => {
    for (const reason of ['OTHER', 'BRAND_NEW']) {
      const seen = answered([chunkOf([{ text: 'x' }], reason)])
      expect(seen.stop_reason).toBe('end_turn')
      expect(seen.facts.flags).toContain('unknown_finish')
      expect(errorOf(chunkOf([], reason))?.anthropicType).toBe('api_error')
    }
  })
  test('Which stop sequence hit: Gemini does not tell, so `end_turn`, null', () => {
    const context = contextFor({ stop_sequences: ['END'] })
    expect(answered([chunkOf([{ text: 'x' }], 'STOP')], context)).toMatchObject({
      stop_reason: 'end_turn',
      stop_sequence: null,
    })
  })
  test('EOF without finish reason: `api_error`, never a success', () => {
    const seen = through(chunkOf([{ text: 'half' }]))
    expect(seen.error).toMatchObject({ type: 'provider_stream_cut', anthropicType: 'api_error' })
    expect(checkEventStream(seen.text).complete).toBe(false)
    expect(streamThrough(contextFor(), []).error?.type).toBe('provider_stream_cut')
    expect(through(chunkOf([{ text: 'x' }], 'FINISH_REASON_UNSPECIFIED')).error?.type).toBe('provider_stream_cut')
  })
  test('parts behind the finish reason are kept', () => {
    const { content } = answered([chunkOf([{ text: 'a' }], 'STOP'), chunkOf([{ text: 'b' }], 'STOP')])
    expect(content).toEqual([{ type: 'text', text: 'ab' }])
  })
})

describe('Gemini: no candidates, `promptFeedback.blockReason`', () => {
  const blocked = {
    promptFeedback: { blockReason: 'SAFETY' },
    usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
  }
  test('`refusal`, empty content, usage kept', () => {
    const expected = { stop_reason: 'refusal', content: [], usage: { input_tokens: 9, output_tokens: 0 } }
    const seen = answered([blocked])
    expect(seen).toMatchObject(expected)
    expect(seen.facts.flags).toContain('prompt_blocked')
    expect(answerFrom(Buffer.from(JSON.stringify(blocked)), 'message').message).toMatchObject(expected)
  })
})

describe('No choices, null choices, empty answer', () => {
  test('no candidates: 502, before the first byte', () => {
    for (const body of [{}, { candidates: null }, { candidates: [] }, { usageMetadata: { promptTokenCount: 1 } }]) {
      const seen = through(body)
      expect(seen.text).toBe('')
      expect(seen.error).toMatchObject({ type: 'provider_bad_response', status: 502 })
      expect(() => answerFrom(Buffer.from(JSON.stringify(body)), 'message')).toThrow('no candidates')
    }
  })
  test('a real empty answer: `content:[]`, `end_turn`', () => {
    for (const candidate of [{ finishReason: 'STOP' }, { content: { role: 'model' }, finishReason: 'STOP' }])
      expect(answered([{ candidates: [candidate] }])).toMatchObject({ content: [], stop_reason: 'end_turn' })
  })
})

describe('tool calls', () => {
  test('Tool call without id: one is generated; the provider’s own goes on as it is', () => {
    const own = { functionCall: { id: 'fc_1-A', name: 'b', args: {} } }
    const odd = { functionCall: { id: 'a b!', name: 'c', args: {} } }
    const { content } = answered([chunkOf([call('a'), own, own, odd], 'STOP')])
    expect(content.map(({ id }) => id)).toEqual(['toolu_new0', 'fc_1-A', 'toolu_new1', 'toolu_new2'])
  })
  test('Whole arguments in one chunk; arguments as object: one delta', () => {
    const { text } = through(chunkOf([call('a', { x: 1 })], 'STOP'))
    expect(text.match(/input_json_delta/g)).toHaveLength(1)
    expect(answered([chunkOf([{ functionCall: { name: 'a' } }], 'STOP')]).content).toMatchObject([{ input: {} }])
  })
  test('Malformed tool JSON: an error before the block closes, never repaired', () => {
    for (const args of ['{"a":', [1], 7]) {
      const seen = through(chunkOf([call('a', args)], 'STOP'))
      expect(seen.error).toMatchObject({ type: 'provider_bad_response', anthropicType: 'api_error' })
      expect(seen.text).not.toContain('content_block_stop')
      const body = Buffer.from(JSON.stringify(chunkOf([call('a', args)], 'STOP')))
      expect(() => answerFrom(body, 'message')).toThrow('not JSON')
    }
    expect(errorOf(chunkOf([{ functionCall: { args: {} } }], 'STOP'))?.type).toBe('provider_bad_response')
  })
  test('non-string enums are converted back by the tool’s own schema', () => {
    const tools = [
      { name: 'set', input_schema: { type: 'object', properties: { level: { type: 'integer', enum: [1, 2] } } } },
    ]
    const { content } = answered([chunkOf([call('set', { level: '2' })], 'STOP')], contextFor({ tools }))
    expect(content).toMatchObject([{ input: { level: 2 } }])
  })
  test('a module’s name before that of a function is removed where the function is known', () => {
    const context = contextFor({ tools: [{ name: 'read' }] })
    const { content } = answered([chunkOf([call('default_api:read'), call('default_api.x')], 'STOP')], context)
    expect(content.map(({ name }) => name)).toEqual(['read', 'default_api.x'])
  })
})

describe('Reasoning in Gemini `thought:true`', () => {
  test('one thinking block, marked as ours', () => {
    const { content } = answered([chunkOf([thought('a')]), chunkOf([thought('b'), { text: 'c' }], 'STOP')])
    expect(content).toMatchObject([
      { type: 'thinking', thinking: 'ab' },
      { type: 'text', text: 'c' },
    ])
    expect(isPackedState(content[0]?.signature)).toBe(true)
    expect(goneBack(content)).toEqual([thought('ab'), { text: 'c' }])
  })
  test('omitted thoughts stay hidden, their signatures do not', () => {
    const context = contextFor({ thinking: { type: 'adaptive', display: 'omitted' } })
    const { content } = answered(
      [chunkOf([thought('secret', { thoughtSignature: 'T' }), { text: 'c' }], 'STOP')],
      context,
    )
    expect(content).toMatchObject([{ type: 'thinking', thinking: '' }, { type: 'text' }])
    expect(goneBack(content)).toEqual([thought('', { thoughtSignature: 'T' }), { text: 'c' }])
    const unsigned = answered([chunkOf([thought('secret'), { text: 'c' }], 'STOP')], context)
    expect(kinds(unsigned.content)).toEqual(['text'])
  })
})

describe('Gemini: several parts in one chunk; empty part with only a signature', () => {
  const back = (...chunks: object[][]) => {
    const finished = chunks.map((parts, index) => chunkOf(parts, index === chunks.length - 1 ? 'STOP' : undefined))
    const { content } = answered(finished)
    const calls = content.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id))
    return goneBack(content, calls)
  }
  const withId = (name: string, id: string, more: object = {}) => ({ functionCall: { id, name, args: {} }, ...more })
  test('the first call of a turn carries it, later parallel ones do not', () => {
    expect(back([thought('hm'), call('a', {}, { thoughtSignature: 'S' }), call('b')])).toEqual([
      thought('hm'),
      withId('a', 'toolu_new0', { thoughtSignature: 'S' }),
      withId('b', 'toolu_new1'),
    ])
  })
  test('a signature on each call', () => {
    expect(back([call('a', {}, { thoughtSignature: 'S' }), call('b', {}, { thoughtSignature: 'R' })])).toEqual([
      withId('a', 'toolu_new0', { thoughtSignature: 'S' }),
      withId('b', 'toolu_new1', { thoughtSignature: 'R' }),
    ])
  })
  test('a signature on the first text stands before it: the last block is the text', () => {
    const chunks = [
      chunkOf([thought('hm')]),
      chunkOf([{ text: 'one', thoughtSignature: 'S' }]),
      chunkOf([{ text: ' two' }], 'STOP'),
    ]
    const { content } = answered(chunks)
    expect(kinds(content)).toEqual(['thinking', 'text'])
    expect(goneBack(content)).toEqual([thought('hm'), { text: 'one', thoughtSignature: 'S' }, { text: ' two' }])
  })
  test('also on the last empty text', () => {
    expect(back([{ text: 'one' }], [{ text: '', thoughtSignature: 'S' }])).toEqual([
      { text: 'one' },
      { text: '', thoughtSignature: 'S' },
    ])
    expect(back([{ text: 'one' }, { text: '', thoughtSignature: 'S' }])).toEqual([
      { text: 'one' },
      { text: '', thoughtSignature: 'S' },
    ])
    expect(back([{ text: 'one' }], [{ thoughtSignature: 'S' }])).toEqual([
      { text: 'one' },
      { text: '', thoughtSignature: 'S' },
    ])
  })
  test('in the middle of a text, and before a call', () => {
    expect(
      back(
        [{ text: 'a' }],
        [{ text: 'bc', thoughtSignature: 'S' }],
        [{ text: 'd' }],
        [call('x', {}, { thoughtSignature: 'R' })],
      ),
    ).toEqual([
      { text: 'a' },
      { text: 'bc', thoughtSignature: 'S' },
      { text: 'd' },
      withId('x', 'toolu_new0', { thoughtSignature: 'R' }),
    ])
  })
  test('a whole answer has it before its text always', () => {
    const body = Buffer.from(JSON.stringify(chunkOf([{ text: 'one' }, { text: '', thoughtSignature: 'S' }], 'STOP')))
    for (const form of ['message', 'events'] as const)
      expect(answerFrom(body, form).message.content).toMatchObject([
        { type: 'thinking', thinking: '' },
        { type: 'text', text: 'one' },
      ])
  })
  test('Claude Code, which takes the last block for the answer, gets none behind the last text; counted', () => {
    const chunks = [chunkOf([{ text: 'one' }]), chunkOf([{ text: '', thoughtSignature: 'S' }], 'STOP')]
    const system = [{ type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.0;' }]
    const userId = JSON.stringify({ device_id: 'd', account_uuid: '', session_id: 's' })
    for (const body of [{ system }, { metadata: { user_id: userId } }]) {
      const seen = answered(chunks, contextFor(body))
      expect(kinds(seen.content)).toEqual(['text'])
      expect(seen.facts.flags).toContain('last_signature_dropped')
    }
  })
})

describe('Assistant prefill: an echoed prefix is removed', () => {
  const context = () =>
    contextFor({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: '{"x":' },
      ],
    })
  test('at any cut, and nothing else', () => {
    const other = answered([chunkOf([{ text: '{"' }]), chunkOf([{ text: 'y": 1}' }], 'STOP')], context())
    expect(other.content).toEqual([{ type: 'text', text: '{"y": 1}' }])
    const exact = answered([chunkOf([{ text: '{"' }]), chunkOf([{ text: 'x":1}' }], 'STOP')], context())
    expect(exact.content).toEqual([{ type: 'text', text: '1}' }])
    expect(exact.facts.flags).toContain('prefill_echo_removed')
  })
})

describe('errors inside', () => {
  const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }
  test('Error chunk in mid-stream: what came stands, then the failure', () => {
    const seen = through(chunkOf([{ text: 'half' }]), error)
    expect(seen.text).toContain('half')
    expect(seen.error).toMatchObject({ type: 'provider_overloaded', status: 529 })
    expect(checkEventStream(seen.text).complete).toBe(false)
  })
  test('HTTP 200 with a JSON error body on a stream request: an error', () => {
    for (const body of [error, [error]])
      expect(() => gemini.fromUpstream(Buffer.from(JSON.stringify(body)), contextFor(), 'events')).toThrow('503')
  })
  test('what is no answer', () => {
    for (const body of ['', 'null', '7', '"x"', '{', '[]', '[1]'])
      expect(() => answerFrom(Buffer.from(body), 'message')).toThrow('not a JSON object')
    expect(streamThrough(contextFor(), [Buffer.from('data: {oops\n\n')]).error?.type).toBe('provider_bad_response')
  })
  test('parts and candidates that nobody knows are counted, not shown', () => {
    const more = {
      candidates: [
        { content: { parts: [{ executableCode: {} }, { text: 'a' }] }, finishReason: 'STOP' },
        { index: 1, content: { parts: [{ text: 'b' }] } },
      ],
    }
    const seen = answered([more])
    expect(seen.content).toEqual([{ type: 'text', text: 'a' }])
    expect(seen.facts.flags).toEqual(expect.arrayContaining(['unknown_part', 'more_candidates']))
  })
})

describe('SSE: comments, no space after `data:`, CRLF, split UTF-8, no last blank line', () => {
  test('the same answer', () => {
    const plain = chunkOf([{ text: 'é😀\u2028' }], 'STOP')
    const expected = through(plain)
    const data = JSON.stringify(plain)
    for (const body of [`: hi\n\ndata:${data}\n\n`, `data: ${data}`, `\r\ndata: ${data}\r\n\r\ndata: [DONE]\r\n\r\n`])
      for (const cut of Object.values(cuts))
        expect(streamThrough(contextFor(), cut(Buffer.from(body)))).toEqual(expected)
  })
})

describe('`message_start` usage: an estimate, the truth in `message_delta`', () => {
  test('true values replace it', () => {
    const usage = {
      promptTokenCount: 40,
      cachedContentTokenCount: 30,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 2,
      totalTokenCount: 47,
    }
    const { text } = through(chunkOf([{ text: 'a' }], 'STOP', { usageMetadata: usage }))
    expect(text).toMatch(/^event: message_start\ndata: .*"input_tokens":12,/)
    expect(checkEventStream(text).message.usage).toEqual({
      input_tokens: 10,
      cache_read_input_tokens: 30,
      cache_creation_input_tokens: 0,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 2 },
    })
  })
  test('absent: an estimate, flagged', () => {
    const seen = answered([chunkOf([{ text: '12345678' }], 'STOP')])
    expect(seen.usage).toMatchObject({ input_tokens: 12, output_tokens: 2 })
    expect(seen.facts).toMatchObject({ usageReported: false, flags: ['usage_estimated'] })
  })
  test('Usage after finish: cumulative, the last chunk wins', () => {
    const at = (promptTokenCount: number, candidatesTokenCount: number) => ({
      usageMetadata: { promptTokenCount, candidatesTokenCount },
    })
    const seen = answered([chunkOf([{ text: 'a' }], undefined, at(15, 1)), chunkOf([], 'STOP', at(13, 2)), at(13, 3)])
    expect(seen.usage).toMatchObject({ input_tokens: 13, output_tokens: 3 })
  })
})

import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, cuts, eventsOf, sent, streamThrough } from '../../../test/support/openai-responses.ts'
import { packReasoning } from './reasoning-state.ts'

type Wire = Record<string, unknown>
type Event = Wire & { type: string }

const usage = { input_tokens: 9, output_tokens: 3, total_tokens: 12 }
const response = (output: Wire[], more: object = {}): Wire => ({
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'served',
  error: null,
  incomplete_details: null,
  output,
  usage,
  ...more,
})
const created: Event = { type: 'response.created', response: { ...response([]), status: 'in_progress', usage: null } }
const part = (text: string): Wire => ({ type: 'output_text', text, annotations: [] })
const message = (id: string, ...content: Wire[]): Wire => ({ type: 'message', id, role: 'assistant', content })
const callItem = (id: string, name = 'read', input = '{"a":1}'): Wire => ({
  type: 'function_call',
  id: `fc_${id}`,
  call_id: id,
  name,
  arguments: input,
})
const reasoning = (id: string, ...summary: string[]): Wire => ({
  type: 'reasoning',
  id,
  summary: summary.map((text) => ({ type: 'summary_text', text })),
  encrypted_content: `secret of ${id}`,
})

/** All the events that the provider sends for an item. */
function itemEvents(item: Wire, index: number): Event[] {
  const at = { output_index: index, item_id: item.id }
  const added = { ...item, content: [], summary: [], arguments: '', encrypted_content: null }
  const inner: Event[] = []
  const cut = (text: string) => text.split(/(?<=^.{2})/s)
  if (item.type === 'function_call') {
    const input = String(item.arguments)
    for (const delta of cut(input)) inner.push({ type: 'response.function_call_arguments.delta', ...at, delta })
    inner.push({ type: 'response.function_call_arguments.done', ...at, arguments: input })
  }
  for (const [place, one] of Object.entries((item.content ?? []) as Wire[])) {
    const here = { ...at, content_index: Number(place) }
    const kind = String(one.type)
    const text = String(one.text ?? one.refusal)
    inner.push({ type: 'response.content_part.added', ...here, part: { ...one, text: '', refusal: '' } })
    if (text !== 'undefined') {
      for (const delta of cut(text)) inner.push({ type: `response.${kind}.delta`, ...here, delta, obfuscation: 'x' })
      inner.push({ type: `response.${kind}.done`, ...here, text, refusal: text })
    }
    inner.push({ type: 'response.content_part.done', ...here, part: one })
  }
  for (const [place, one] of Object.entries((item.summary ?? []) as Wire[])) {
    const here = { ...at, summary_index: Number(place) }
    inner.push({ type: 'response.reasoning_summary_part.added', ...here, part: { type: 'summary_text', text: '' } })
    for (const delta of cut(String(one.text)))
      inner.push({ type: 'response.reasoning_summary_text.delta', ...here, delta })
    inner.push({ type: 'response.reasoning_summary_text.done', ...here, text: one.text })
    inner.push({ type: 'response.reasoning_summary_part.done', ...here, part: one })
  }
  return [
    { type: 'response.output_item.added', output_index: index, item: added },
    ...inner,
    { type: 'response.output_item.done', output_index: index, item },
  ]
}

/** A response as the provider streams it. */
const streamOf = (whole: Wire): Event[] => [
  created,
  { type: 'response.in_progress', response: created.response },
  ...(whole.output as Wire[]).flatMap(itemEvents),
  { type: `response.${String(whole.status)}`, response: whole },
]

const run = (events: Event[], context = contextFor()) => streamThrough(context, [eventsOf(...events)])

/** A stream that must be complete: its message. */
function streamed(events: Event[], context = contextFor()) {
  const seen = run(events, context)
  expect(seen.error).toBeNull()
  const stream = checkEventStream(seen.text)
  expect(stream.complete).toBe(true)
  return { ...stream.message, facts: seen.facts } as Wire & { content: Wire[]; facts: typeof seen.facts }
}

/** The answer as it is told in all forms: streamed, whole, and whole to a caller that wants events. They must agree. */
function told(whole: Wire, body: object = {}) {
  const { facts, ...message } = streamed(streamOf(whole), contextFor(body))
  const asMessage = answerFrom(contextFor(body), whole, 'message')
  expect(asMessage.message).toEqual(message)
  expect(answerFrom(contextFor(body), whole, 'events').message).toEqual(message)
  expect(asMessage.facts).toEqual(facts)
  return { ...message, facts } as Wire & { content: Wire[]; facts: typeof facts }
}

test('Block order: thinking, text, tool_use in order of arrival, all kept', () => {
  const output = [
    reasoning('rs_1', 'hm'),
    message('m1', part(' I look')),
    callItem('c1'),
    callItem('c2', 'write', ''),
    message('m2', part('done')),
    reasoning('rs_2'),
    callItem('c3'),
  ]
  expect(told(response(output)).content).toEqual([
    {
      type: 'thinking',
      thinking: 'hm',
      signature: packReasoning('openai', { reasoning: [output[0] ?? {}], phase: null }),
    },
    { type: 'text', text: ' I look' },
    { type: 'tool_use', id: 'c1', name: 'read', input: { a: 1 } },
    { type: 'tool_use', id: 'c2', name: 'write', input: {} },
    { type: 'text', text: 'done' },
    {
      type: 'thinking',
      thinking: '',
      signature: packReasoning('openai', { reasoning: [output[5] ?? {}], phase: null }),
    },
    { type: 'tool_use', id: 'c3', name: 'read', input: { a: 1 } },
  ])
})

test('texts of several messages and parts stay apart', () => {
  const output = [message('m1', part('a\n'), part('  b')), message('m2', part('c'))]
  expect(told(response(output)).content.map(({ text }) => text)).toEqual(['a\n', '  b', 'c'])
})

test('finish `stop` although calls exist: `tool_use` (status completed)', () => {
  expect(told(response([message('m', part('x')), callItem('c1')])).stop_reason).toBe('tool_use')
  expect(told(response([message('m', part('x'))])).stop_reason).toBe('end_turn')
})

describe('`content_filter`, `message.refusal`', () => {
  test('incomplete by the filter: `refusal`', () => {
    const cut = { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }
    expect(told(response([message('m', part('x'))], cut)).stop_reason).toBe('refusal')
    expect(told(response([], cut))).toMatchObject({ stop_reason: 'refusal', content: [] })
  })
  test('refusal text as a text block', () => {
    expect(told(response([message('m', { type: 'refusal', refusal: 'I cannot' })]))).toMatchObject({
      stop_reason: 'refusal',
      content: [{ type: 'text', text: 'I cannot' }],
    })
  })
})

describe('Which stop sequence hit', () => {
  const stops = { stop_sequences: ['END', '\n\nHuman:'] }
  test('the gateway finds it: `stop_sequence` + value, and nothing behind it', () => {
    const output = [message('m', part('one E two\n\nHu\n\nHuman: three END')), callItem('c1'), reasoning('r', 'hm')]
    const seen = told(response(output), stops)
    expect(seen).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: '\n\nHuman:',
      content: [{ type: 'text', text: 'one E two\n\nHu' }],
      usage: { output_tokens: 3 },
    })
    expect(seen.content).toHaveLength(1)
  })
  test('the same at every cutting', () => {
    const body = eventsOf(...streamOf(response([message('m', part('a EN EEND b'))])))
    for (const cut of Object.values(cuts))
      expect(checkEventStream(streamThrough(contextFor(stops), cut(body)).text).message).toMatchObject({
        stop_sequence: 'END',
        content: [{ text: 'a EN E' }],
      })
  })
  test('not there: `end_turn`, null, and all of the text', () => {
    expect(told(response([message('m', part('one EN'))]), stops)).toMatchObject({
      stop_reason: 'end_turn',
      stop_sequence: null,
      content: [{ text: 'one EN' }],
    })
  })
})

describe('Malformed tool JSON', () => {
  const broken = response([callItem('c1', 'read', '{"a":')])
  test('non-stream: 502 `api_error`', () => {
    expect(() => answerFrom(contextFor(), broken)).toThrow(
      expect.objectContaining({ type: 'provider_bad_response', status: 502 }),
    )
  })
  test('stream: an error before the block closes', () => {
    const seen = run(streamOf(broken))
    expect(seen.error?.type).toBe('provider_bad_response')
    expect(seen.text).not.toContain('content_block_stop')
  })
  test('a half tool call at the token limit is not closed as valid JSON', () => {
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
    expect(told({ ...broken, ...cut })).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ input: { incomplete_json: '{"a":' } }],
    })
  })
})

test('Tool call without id: a `toolu_…` is generated; ids that clients refuse are mapped, each once', () => {
  const output = ['', 'a b', 'x', 'x'].map((id, at) => ({ ...callItem(id), id: `fc${at}` }))
  const ids = told(response(output)).content.map(({ id }) => id)
  expect(ids).toEqual(['toolu_new0', expect.stringMatching(/^toolu_[0-9a-f]{24}$/), 'x', 'toolu_new1'])
})

test('tool names come back as the caller knows them', () => {
  const long = `mcp__${'x'.repeat(80)}`
  const { toolNames, body } = sent({ tools: [{ name: long, input_schema: {} }] })
  const events = streamOf(response([callItem('c1', body.tools[0].name)]))
  expect(streamed(events, contextFor({}, toolNames)).content[0]?.name).toBe(long)
})

test('Text after a tool call: the tool block closes, a new text block opens', () => {
  expect(told(response([callItem('c1'), message('m', part('so'))])).content.map(({ type }) => type)).toEqual([
    'tool_use',
    'text',
  ])
})

test('Interleaved parallel call deltas: never to a closed block', () => {
  const items = [callItem('c1'), callItem('c2', 'write', '{"b":[2]}')]
  const [first = [], second = []] = items.map(itemEvents)
  const mixed = Array.from({ length: 5 }, (_, at) => [first[at], second[at]]).flat()
  const events = [created, ...mixed.filter((event) => event !== undefined)]
  const seen = streamed([...events, { type: 'response.completed', response: response(items) }])
  expect(seen.content.map(({ input }) => input)).toEqual([{ a: 1 }, { b: [2] }])
})

test('a call goes out when it is whole, and does not wait for the end', () => {
  const events = streamOf(response([callItem('c1'), callItem('c2')]))
  const untilSecond = events.findIndex(({ item }) => (item as Wire | undefined)?.call_id === 'c2')
  const { text, error } = run(events.slice(0, untilSecond + 2))
  expect(text).toContain('"id":"c2"')
  // It broke off here all the same.
  expect(error?.type).toBe('provider_stream_cut')
})

describe('Missing `index`, and events that a server leaves out', () => {
  test('without places: by the item’s id, else the last one', () => {
    const output = [message('m', part('abcd')), callItem('c1')]
    const bare = streamOf(response(output)).map(({ output_index: _index, content_index: _part, ...event }) => event)
    expect(streamed(bare as Event[]).content).toEqual(told(response(output)).content)
    const anonymous = bare.map(({ item_id: _id, ...event }: Wire) => event)
    expect(streamed(anonymous as Event[]).content).toEqual(told(response(output)).content)
  })
  test.each([
    ['deltas only', /delta$|added$/],
    ['whole parts only', /added$|text\.done$|arguments\.done$/],
    ['whole items only', /item\.done$/],
    ['the last event only', /nothing/],
  ])('%s', (_name, kept) => {
    const output = [reasoning('r', 'hm', 'so'), message('m', part('abcd')), callItem('c1')]
    const all = streamOf(response(output))
    const events = all.filter(({ type }) => kept.test(type) || type === 'response.completed')
    const { content, facts } = streamed(events)
    // Thoughts whose state comes behind what followed them cannot go back: they are shown without it.
    const late = facts.flags.includes('reasoning_state_late')
    expect(late).toBe(!kept.test('item.done') && !kept.test('nothing'))
    expect(content).toEqual(
      told(response(output)).content.map((block) =>
        late && block.type === 'thinking' ? { ...block, signature: '' } : block,
      ),
    )
  })
  test('a last event that has its items at other places repeats nothing', () => {
    const output = [reasoning('r', 'hm'), message('m', part('abcd'))]
    const events = streamOf(response(output)).with(-1, {
      type: 'response.completed',
      response: response([output[1] ?? {}]),
    })
    expect(streamed(events).content).toEqual(told(response(output)).content)
  })
  test('without names of events, with an end mark of another API', () => {
    const events = streamOf(response([message('m', part('abcd'))]))
    const body = Buffer.from(`${events.map((event) => `data:${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`)
    expect(checkEventStream(streamThrough(contextFor(), [body]).text).message.content).toEqual([
      { type: 'text', text: 'abcd' },
    ])
  })
})

test('Whole arguments in one chunk; arguments as object', () => {
  const item = { ...callItem('c1'), arguments: { deep: { b: 2 } } }
  const events = [created, { type: 'response.output_item.done', output_index: 0, item }] as Event[]
  expect(streamed([...events, { type: 'response.completed', response: response([item]) }]).content[0]?.input).toEqual({
    deep: { b: 2 },
  })
})

describe('Error chunk or `error` finish in mid-stream', () => {
  const begun = streamOf(response([message('m', part('abcd'))])).slice(0, 5)
  test.each([
    ['flat', { code: 'server_error', message: 'boom' }, 'provider_server_error'],
    ['nested', { error: { type: 'x', code: 'rate_limit_exceeded', message: 'slow' } }, 'provider_rate_limited'],
    ['nested without a code', { error: { type: 'invalid_request_error', message: 'no' } }, 'provider_rejected'],
    ['unknown', { message: 'odd' }, 'provider_stream_error'],
  ])('`error` event, %s', (_name, error, type) => {
    const seen = run([...begun, { type: 'error', ...error }])
    expect(seen.error?.type).toBe(type)
    expect(checkEventStream(seen.text).complete).toBe(false)
  })
  test.each([
    ['server_error', 'provider_server_error'],
    ['rate_limit_exceeded', 'provider_rate_limited'],
    ['invalid_prompt', 'provider_rejected'],
    ['image_content_policy_violation', 'provider_rejected'],
    ['context_length_exceeded', 'caller_invalid_request'],
    ['insufficient_quota', 'provider_billing'],
    ['vector_store_timeout', 'provider_timeout'],
    ['brand_new', 'provider_stream_error'],
  ])('`response.failed` with %s', (code, type) => {
    const failed = response([], { status: 'failed', error: { code, message: 'why' } })
    const seen = run([...begun, { type: 'response.failed', response: failed }])
    expect(seen.error?.type).toBe(type)
    expect(seen.error?.shown).toContain('why')
    expect(() => answerFrom(contextFor(), failed)).toThrow(expect.objectContaining({ type }))
  })
  test('failed without a reason, or cancelled', () => {
    const failed = { type: 'response.failed', response: { error: null } }
    expect(run([...begun, failed]).error?.type).toBe('provider_stream_error')
    const cancelled = response([], { status: 'cancelled' })
    expect(() => answerFrom(contextFor(), cancelled)).toThrow('cancelled')
  })
  test('before the first item nothing was written, so the failure keeps its status, and when to try again', () => {
    const headers = { 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '50.529s' }
    const error = { type: 'tokens', code: 'rate_limit_exceeded', headers, message: 'Rate limit reached', param: null }
    const seen = run([created, { type: 'error', error }])
    expect(seen.text).toBe('')
    expect(seen.error).toMatchObject({ status: 429, retryAfterSeconds: 51 })
  })
})

test('EOF without finish reason: an error, nothing is invented', () => {
  const whole = streamOf(response([message('m', part('abcd'))]))
  for (let length = 0; length < whole.length; length += 1) {
    const seen = run(whole.slice(0, length))
    expect(seen.error?.type).toBe('provider_stream_cut')
    expect(checkEventStream(seen.text).complete).toBe(false)
  }
})

describe('Usage map: openai', () => {
  test('uncached = input − read − write, reasoning included in the output', () => {
    const counts = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      output_tokens: 50,
      output_tokens_details: { reasoning_tokens: 40 },
      total_tokens: 150,
    }
    const seen = told(response([message('m', part('x'))], { usage: counts }))
    expect(seen.usage).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 60,
      cache_creation_input_tokens: 30,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 40 },
    })
    expect(seen.facts).toEqual({ usageReported: true, servedModel: 'served', costUsd: null, flags: [] })
  })
  test('Guard: disagreement with the table is counted, no negative bucket, no nonsense', () => {
    const separate = {
      input_tokens: 5,
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 10,
    }
    expect(told(response([], { usage: separate })).facts.flags).toEqual(['usage_total_disagrees'])
    const odd = { input_tokens: 5, input_tokens_details: { cached_tokens: 9 }, output_tokens: -1 }
    expect(told(response([], { usage: odd })).usage).toMatchObject({ input_tokens: 0, cache_read_input_tokens: 9 })
  })
  test('absent: an estimate, flagged', () => {
    const seen = told(response([message('m', part('12345678'))], { usage: null }))
    expect(seen.usage).toMatchObject({ input_tokens: 12, output_tokens: 2 })
    expect(seen.facts).toMatchObject({ usageReported: false, flags: ['usage_estimated'] })
  })
})

test('`message_start` usage: the estimate there, true values in `message_delta`', () => {
  const { text } = run(streamOf(response([message('m', part('x'))])))
  expect(text.split('\n\n')[0]).toContain('"input_tokens":12')
  expect(text).toMatch(/message_delta.*"input_tokens":9/)
})

describe('Reasoning', () => {
  const thinkingOf = (whole: Wire, body: object = {}) =>
    told(whole, body).content.filter(({ type }) => type === 'thinking')
  test('parts of a summary, and items in a row, are one block with one signature', () => {
    const output = [reasoning('r1', 'a', 'b'), reasoning('r2', 'c'), message('m', part('x'))]
    expect(thinkingOf(response(output))).toEqual([
      {
        type: 'thinking',
        thinking: 'a\n\nb\n\nc',
        signature: packReasoning('openai', { reasoning: output.slice(0, 2), phase: null }),
      },
    ])
  })
  test('its own text (`content`) where there is no summary; one source where both are there', () => {
    const content = [{ type: 'reasoning_text', text: 'open' }]
    const open = { type: 'reasoning', id: 'r', summary: [], content }
    expect(thinkingOf(response([open, message('m', part('x'))]))[0]?.thinking).toBe('open')
    const both = { ...open, summary: [{ type: 'summary_text', text: 'short' }] }
    expect(answerFrom(contextFor(), response([both])).message.content).toMatchObject([{ thinking: 'short' }])
    const at = { output_index: 0, item_id: 'r', content_index: 0 }
    const events: Event[] = [
      { type: 'response.reasoning_text.delta', ...at, delta: 'op' },
      { type: 'response.reasoning_text.done', ...at, text: 'open' },
      { type: 'response.completed', response: response([both]) },
    ]
    expect(streamed(events).content).toMatchObject([{ thinking: 'open' }])
  })
  test('`display: omitted`: the signature alone', () => {
    const whole = response([reasoning('r', 'hm'), message('m', part('x'))])
    const omitted = { thinking: { type: 'adaptive', display: 'omitted' } }
    expect(thinkingOf(whole, omitted)).toMatchObject([
      { thinking: '', signature: expect.stringMatching(/^sbx1\.openai\./) },
    ])
  })
  test('an item without its encrypted content does not come back: the provider would not find it', () => {
    const bare = {
      type: 'reasoning',
      id: 'r',
      summary: [{ type: 'summary_text', text: 'hm' }],
      encrypted_content: null,
    }
    expect(thinkingOf(response([bare, message('m', part('x'))]))).toEqual([
      { type: 'thinking', thinking: 'hm', signature: '' },
    ])
  })
  test('what came in an answer goes back as it was, phases and all', () => {
    const output = [
      reasoning('r1', 'hm'),
      { ...message('m1', part('I look')), phase: 'commentary' },
      callItem('c1'),
      reasoning('r2'),
      { ...message('m2', part('found')), phase: 'final_answer' },
    ]
    const { content } = told(response(output))
    const result = { type: 'tool_result', tool_use_id: 'c1', content: 'r' }
    const { body } = sent({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content },
        { role: 'user', content: [result] },
      ],
    })
    expect(body.input.slice(1, 6)).toEqual([
      output[0],
      { type: 'message', role: 'assistant', content: 'I look', phase: 'commentary' },
      { type: 'function_call', call_id: 'c1', name: 'read', arguments: '{"a":1}' },
      output[3],
      { type: 'message', role: 'assistant', content: 'found', phase: 'final_answer' },
    ])
  })
})

test('SSE: comments, no space after `data:`, CRLF, split UTF-8', () => {
  const body = eventsOf(...streamOf(response([message('m', part('Zürich 🏔'))]))).toString('utf8')
  const odd = `: hello\n\n${body.trimEnd().replaceAll('data: ', 'data:').replaceAll('\n', '\r\n')}`
  for (const cut of Object.values(cuts)) {
    const seen = streamThrough(contextFor(), cut(Buffer.from(odd)))
    expect(seen.error).toBeNull()
    expect(checkEventStream(seen.text).message.content).toEqual([{ type: 'text', text: 'Zürich 🏔' }])
  }
})

test('HTTP 200 with a JSON error body on a stream request', () => {
  const body = { error: { message: 'slow down', type: 'x', code: 'rate_limit_exceeded' } }
  for (const form of ['message', 'events'] as const)
    expect(() => answerFrom(contextFor(), body, form)).toThrow(expect.objectContaining({ status: 429 }))
})

describe('No choices, null choices, empty answer', () => {
  test.each([
    ['no output', '{}'],
    ['null output', JSON.stringify(response([], { output: null }))],
    ['no JSON', '<html>'],
    ['another kind', '[1]'],
    ['not finished', JSON.stringify(response([], { status: 'in_progress' }))],
  ])('%s: 502', (_name, body) => {
    expect(() => answerFrom(contextFor(), body)).toThrow(expect.objectContaining({ status: 502 }))
  })
  test('a real empty answer: `content:[]`, `end_turn`', () => {
    expect(told(response([]))).toMatchObject({ content: [], stop_reason: 'end_turn' })
  })
  test('an event that is no object, or too long', () => {
    expect(streamThrough(contextFor(), [Buffer.from('data: nonsense\n\n')]).error?.type).toBe('provider_bad_response')
    const long = Buffer.from(`event: response.completed\ndata: {"a":"${'x'.repeat(5_000_000)}"}\n\n`)
    const chunks = Array.from({ length: Math.ceil(long.length / 60_000) }, (_, at) =>
      long.subarray(at * 60_000, (at + 1) * 60_000),
    )
    expect(streamThrough(contextFor(), chunks).error?.message).toContain('too long')
  })
})

describe('Stop reasons', () => {
  const cut = (reason: unknown) => ({ status: 'incomplete', incomplete_details: reason === null ? null : { reason } })
  test('`length`: `max_tokens`', () => {
    expect(told(response([message('m', part('x'))], cut('max_output_tokens'))).stop_reason).toBe('max_tokens')
    // All of the tokens went into thoughts.
    expect(told(response([reasoning('r')], cut('max_output_tokens'))).stop_reason).toBe('max_tokens')
  })
  test('unknown: `end_turn` if content was produced, else `api_error`; always counted', () => {
    const seen = told(response([message('m', part('x'))], cut('odd')))
    expect(seen).toMatchObject({ stop_reason: 'end_turn', facts: { flags: ['unknown_finish'] } })
    expect(() => answerFrom(contextFor(), response([], cut(null)))).toThrow('unknown')
  })
})

test('Assistant prefill that is repeated is removed, also behind thoughts', () => {
  const body = {
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '{"x":' },
    ],
  }
  const seen = told(response([reasoning('r', 'hm'), message('m', part('{"x": 1}'))]), body)
  expect(seen.content[1]).toEqual({ type: 'text', text: ' 1}' })
  expect(seen.facts.flags).toEqual(['prefill_echo_removed'])
  expect(told(response([message('m', part('{"y": 1}'))]), body).content).toEqual([{ type: 'text', text: '{"y": 1}' }])
})

test('items that have no place in a message are counted, not shown', () => {
  const output = [{ type: 'web_search_call', id: 'ws' }, message('m', { type: 'hologram' }, part('x'))]
  const seen = told(response(output))
  expect(seen.content).toEqual([{ type: 'text', text: 'x' }])
  expect(seen.facts.flags).toEqual(['unknown_output_item', 'unknown_content_part'])
})

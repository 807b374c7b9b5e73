import { describe, expect, test } from 'vitest'
import { sent } from '../../../test/support/openai-chat.ts'
import { publishedRequest } from '../../../test/support/openai-chat-schema.ts'
import { packState } from '../shared/provider-state.ts'
import { chatQuirks } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, ollama, compatible } = chatQuirks
const all = Object.entries(chatQuirks)

const user = (...content: object[]) => ({ role: 'user', content })
const assistant = (...content: object[]) => ({ role: 'assistant', content })
const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more })
const call = (id: string, name = 'read', input: unknown = { path: 'a' }) => ({ type: 'tool_use', id, name, input })
const result = (id: string, content?: unknown, more: object = {}) => ({
  type: 'tool_result',
  tool_use_id: id,
  content,
  ...more,
})
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw' } }
const pdf = {
  type: 'document',
  title: 'Plan.pdf',
  source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi' },
}
const messages = (quirks: chatQuirks.ChatQuirks, turns: object[], facts = {}, provider = 'openai') =>
  sent(quirks, { messages: turns }, facts, provider).body.messages
const thought = (provider: string, words: string) => ({
  type: 'thinking',
  thinking: words,
  signature: packState(provider, { text: words }),
})

describe('what OpenAI is sent satisfies its published shape', () => {
  test('all kinds of content at once', () => {
    const { body } = sent(openai, {
      system: [text('a', { cache_control: { type: 'ephemeral' } }), text('b')],
      messages: [
        user(text('look'), image, pdf),
        assistant(text('I will'), call('toolu_1'), call('toolu_2', 'mcp__x__y', undefined)),
        user(result('toolu_1', [text('r'), image]), result('toolu_2'), text('go on')),
        { role: 'system', content: 'be brief' },
        assistant(text('one'), text('two')),
        user(text('so?')),
      ],
      tools: [{ name: 'read', description: 'reads', input_schema: { type: 'object', $schema: 'x', properties: {} } }],
      tool_choice: { type: 'tool', name: 'read', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      temperature: 0.5,
      thinking: { type: 'adaptive' },
      output_config: { effort: 'max', format: { type: 'json_schema', schema: { type: 'object', properties: {} } } },
      metadata: { user_id: 'u' },
      stream: true,
    })
    expect(publishedRequest.safeParse(body).error).toBeUndefined()
  })
})

describe('`system` string or block array', () => {
  test('a text is one leading system message', () => {
    expect(sent(groq, { system: ' You are.\n' }).body.messages[0]).toEqual({ role: 'system', content: ' You are.\n' })
  })
  test('blocks are text parts in order, without `cache_control`', () => {
    const { body, notes } = sent(groq, { system: [text('a\n', { cache_control: { type: 'ephemeral' } }), text('  b')] })
    expect(body.messages[0]).toEqual({ role: 'system', content: [text('a\n'), text('  b')] })
    expect(notes).toContainEqual({ what: 'cache_control', how: 'dropped' })
  })
  test('`developer` for OpenAI’s reasoning models only', () => {
    expect(sent(openai, { system: 'x' }, { reasoning: true }).body.messages[0].role).toBe('developer')
    expect(sent(openai, { system: 'x' }, { reasoning: false }).body.messages[0].role).toBe('system')
    expect(sent(xai, { system: 'x' }, { reasoning: true }).body.messages[0].role).toBe('system')
  })
  test('openrouter models that accept `cache_control` keep it', () => {
    const marked = text('a', { cache_control: { type: 'ephemeral' } })
    expect(sent(openrouter, { system: [marked] }, { cacheControl: true }).body.messages[0].content).toEqual([marked])
    expect(sent(openrouter, { system: [marked] }).body.messages[0].content).toBe('a')
  })
})

test('Attribution block `x-anthropic-billing-header: …`: this block only is dropped', () => {
  const { body, notes } = sent(openai, { system: [text('x-anthropic-billing-header: cc_version=1;'), text('You')] })
  expect(body.messages[0].content).toBe('You')
  expect(JSON.stringify(body)).not.toContain('billing')
  expect(notes).toContainEqual({ what: 'system:attribution', how: 'dropped' })
})

describe('`role:"system"` inside `messages`', () => {
  const turns = [user(text('a')), { role: 'system', content: 'now b' }, user(text('c'))]
  test('stays in its place', () => {
    expect(messages(groq, turns)[1]).toEqual({ role: 'system', content: 'now b' })
    expect(messages(openai, turns)[1]).toEqual({ role: 'developer', content: 'now b' })
  })
  test('a target that refuses it gets user text wrapped in `<system-reminder>` in place', () => {
    const reminder = '<system-reminder>\nnow b\n</system-reminder>'
    expect(messages(mistral, turns)[1]).toEqual({ role: 'user', content: reminder })
  })
})

test('Consecutive same-role messages stay as they are', () => {
  const turns = [user(text('a ')), user(text(' b')), assistant(text('c')), assistant(text('d')), user(text('e'))]
  expect(messages(openai, turns).map(({ content }: { content: string }) => content)).toEqual([
    'a ',
    ' b',
    'c',
    'd',
    'e',
  ])
})

describe('`tool_use` history', () => {
  test('`tool_calls[]`, `arguments` as JSON text (`{}` if empty), text kept beside the calls', () => {
    const turns = [
      user(text('a')),
      assistant(text('hm '), call('t1'), { type: 'tool_use', id: 't2', name: 'ls' }),
      user(result('t1'), result('t2')),
    ]
    expect(messages(openai, turns)[1]).toEqual({
      role: 'assistant',
      content: 'hm ',
      tool_calls: [
        { id: 't1', type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } },
        { id: 't2', type: 'function', function: { name: 'ls', arguments: '{}' } },
      ],
    })
  })
  test('calls alone have no text', () => {
    const turns = [user(text('a')), assistant(call('t1')), user(result('t1'))]
    expect(messages(openai, turns)[1].content).toBeNull()
    expect(messages(mistral, turns)[1].content).toBe('')
  })
  test('a call without a result: 400', () => {
    expect(() => messages(openai, [user(text('a')), assistant(call('t1')), user(text('b'))])).toThrow('t1')
  })
})

describe('`tool_result` as string, array, empty or absent', () => {
  test.each([
    ['string', ' x\n', ' x\n'],
    ['array', [text('a'), text(' b')], 'a\n b'],
    ['empty text', '', ''],
    ['empty array', [], ''],
    ['absent', undefined, ''],
    ['null', null, ''],
  ])('%s: exactly one tool message', (_name, content, expected) => {
    const turns = [user(text('a')), assistant(call('t1')), user(result('t1', content))]
    expect(messages(openai, turns).slice(2)).toEqual([{ role: 'tool', tool_call_id: 't1', content: expected }])
  })
  test('results in several user turns all stand behind their calls', () => {
    const turns = [
      user(text('a')),
      assistant(call('t1'), call('t2')),
      user(result('t2', '2'), text('x')),
      user(result('t1', '1')),
    ]
    expect(messages(openai, turns).map(({ role }: { role: string }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'user',
    ])
  })
})

describe('Tool-call ids', () => {
  test('mapped deterministically, call and result alike, only where the target has a format (mistral)', () => {
    const turns = [user(text('a')), assistant(call('toolu_1')), user(result('toolu_1', 'x'))]
    expect(messages(groq, turns)[1].tool_calls[0].id).toBe('toolu_1')
    const mapped = messages(mistral, turns)
    expect(mapped[1].tool_calls[0].id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(mapped[2].tool_call_id).toBe(mapped[1].tool_calls[0].id)
    expect(messages(mistral, turns)).toEqual(mapped)
    const own = [user(text('a')), assistant(call('abcDEF123')), user(result('abcDEF123', 'x'))]
    expect(messages(mistral, own)[1].tool_calls[0].id).toBe('abcDEF123')
  })
  test('OpenAI takes 40 characters', () => {
    const long = `toolu_${'x'.repeat(60)}`
    const mapped = messages(openai, [user(text('a')), assistant(call(long)), user(result(long, 'x'))])
    expect(mapped[1].tool_calls[0].id.length).toBeLessThanOrEqual(40)
    expect(mapped[2].tool_call_id).toBe(mapped[1].tool_calls[0].id)
  })
})

test('`is_error: true`: the text is prefixed with `Error: `', () => {
  const turns = [user(text('a')), assistant(call('t1')), user(result('t1', 'no file', { is_error: true }))]
  expect(messages(openai, turns)[2].content).toBe('Error: no file')
})

describe('Tool results plus text in one user turn', () => {
  test('all tool messages directly after the assistant message, then one user message with the rest', () => {
    const turns = [
      user(text('a')),
      assistant(call('t1'), call('t2')),
      user(text('before'), result('t1', '1'), text('after'), result('t2', '2')),
    ]
    expect(messages(openai, turns).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 't1', content: '1' },
      { role: 'tool', tool_call_id: 't2', content: '2' },
      { role: 'user', content: [text('before'), text('after')] },
    ])
  })
  test('result without a call: 400', () => {
    expect(() => messages(openai, [user(result('t9', 'x'))])).toThrow('t9')
  })
  test('mistral: a short assistant turn between a tool message and a user message, only then', () => {
    const turns = [user(text('a')), assistant(call('t1')), user(result('t1', '1'), text('after'))]
    expect(messages(mistral, turns).map(({ role }: { role: string }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
      'user',
    ])
    expect(messages(mistral, turns.with(2, user(result('t1', '1'))))).toHaveLength(3)
  })
})

describe('`thinking` history', () => {
  const turns = (provider: string) => [
    user(text('a')),
    assistant(thought(provider, 'hm'), call('t1')),
    user(result('t1', 'x')),
  ]
  test('deepseek gets `reasoning_content` back', () => {
    expect(messages(deepseek, turns('deepseek'), {}, 'deepseek')[1].reasoning_content).toBe('hm')
  })
  test('groq gets `reasoning` back', () => {
    expect(messages(groq, turns('groq'), {}, 'groq')[1].reasoning).toBe('hm')
  })
  test('mistral gets it in the form it came in', () => {
    expect(messages(mistral, turns('mistral'), {}, 'mistral')[1].content).toEqual([
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
    ])
  })
  test('openrouter gets `reasoning_details` unchanged', () => {
    const details = [{ type: 'reasoning.text', text: 'hm', signature: 's', format: 'anthropic-claude-v1', index: 0 }]
    const block = { type: 'thinking', thinking: '', signature: packState('openrouter', { text: 'hm', details }) }
    expect(
      messages(openrouter, [user(text('a')), assistant(block, text('b')), user(text('c'))], {}, 'openrouter')[1],
    ).toEqual({
      role: 'assistant',
      content: 'b',
      reasoning_details: details,
    })
  })
  test.each([
    ['foreign', 'EqQBCkYIBhgC'],
    ['another provider’s', packState('gemini', { text: 'no' })],
    ['unsigned', undefined],
  ])('a %s block is dropped', (_name, signature) => {
    const turn = assistant({ type: 'thinking', thinking: 'secret', signature }, text('b'))
    for (const [name, quirks] of all) {
      const { body, notes } = sent(quirks, { messages: [user(text('a')), turn, user(text('c'))] }, {}, name)
      expect(JSON.stringify(body)).not.toContain('secret')
      expect(notes).toContainEqual({ what: 'block:thinking', how: 'dropped' })
    }
  })
  test('deepseek V4 wants the field on every assistant turn, empty if none', () => {
    const plain = [user(text('a')), assistant(text('b')), user(text('c'))]
    expect(messages(deepseek, plain, { generation: 4 }, 'deepseek')[1].reasoning_content).toBe('')
    expect(messages(deepseek, plain, { generation: 3 }, 'deepseek')[1]).not.toHaveProperty('reasoning_content')
  })
  test('deepseek before V4 must not get it for turns before the last user message', () => {
    const past = [...turns('deepseek'), assistant(thought('deepseek', 'so'), text('done')), user(text('next'))]
    expect(JSON.stringify(messages(deepseek, past, { generation: 3 }, 'deepseek'))).not.toContain('reasoning_content')
    expect(messages(deepseek, turns('deepseek'), { generation: 3 }, 'deepseek')[1].reasoning_content).toBe('hm')
  })
})

describe('`redacted_thinking`, `compaction`', () => {
  test('redacted: dropped', () => {
    const turn = assistant({ type: 'redacted_thinking', data: 'zz' }, text('b'))
    expect(messages(openai, [user(text('a')), turn, user(text('c'))])[1]).toEqual({ role: 'assistant', content: 'b' })
  })
  test('compaction: its text is the summary of what came before', () => {
    const turns = [
      user(text('old')),
      assistant({ type: 'compaction', content: 'We did X.' }, text('b')),
      user(text('c')),
    ]
    expect(messages(openai, turns).map(({ content }: { content: string }) => content)).toEqual(['We did X.', 'b', 'c'])
  })
})

describe('Assistant turn with thinking only', () => {
  const turns = (block: object) => [user(text('a')), assistant(block), user(text('c'))]
  test('the turn is dropped if nothing remains', () => {
    expect(messages(openai, turns({ type: 'thinking', thinking: 'hm', signature: 'x' }))).toHaveLength(2)
  })
  test('deepseek keeps `content:""` + `reasoning_content`', () => {
    expect(messages(deepseek, turns(thought('deepseek', 'hm')), {}, 'deepseek')[1]).toEqual({
      role: 'assistant',
      content: '',
      reasoning_content: 'hm',
    })
  })
})

describe('Assistant prefill (last message is assistant)', () => {
  const turns = [user(text('a')), assistant(text('{"x":'))]
  test('mistral: `prefix:true`', () => {
    expect(messages(mistral, turns)[1]).toEqual({ role: 'assistant', content: '{"x":', prefix: true })
  })
  test.each([
    ['openai', openai],
    ['xai', xai],
    ['ollama', ollama],
    ['compatible', compatible],
  ])('%s: sent as it is', (_name, quirks) => {
    expect(messages(quirks, turns)[1]).toEqual({ role: 'assistant', content: '{"x":' })
  })
})

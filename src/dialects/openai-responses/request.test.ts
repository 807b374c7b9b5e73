import { describe, expect, test } from 'vitest'
import { sent } from '../../../test/support/openai-responses.ts'
import { publishedResponsesRequest } from '../../../test/support/openai-responses-schema.ts'
import { packState } from '../shared/provider-state.ts'

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
const input = (turns: object[], facts = {}) => sent({ messages: turns }, facts).body.input
const said = (role: string, ...texts: string[]) => ({
  type: 'message',
  role,
  content: role === 'assistant' ? texts.join() : texts.map((words) => ({ type: 'input_text', text: words })),
})
const sentImage = { type: 'input_image', image_url: 'data:image/png;base64,iVBORw', detail: 'auto' }
const item = (id: string) => ({ type: 'reasoning', id, summary: [], encrypted_content: `secret of ${id}` })
const thought = (state: object, provider = 'openai') => ({
  type: 'thinking',
  thinking: '',
  signature: packState(provider, state),
})

test('all kinds of content at once satisfy the published shape', () => {
  const { body, path } = sent({
    system: [text('a', { cache_control: { type: 'ephemeral' } }), text('b')],
    messages: [
      user(text('look'), image, pdf, { type: 'document', source: { type: 'url', url: 'https://x/y.pdf' } }),
      assistant(
        thought({ reasoning: [item('rs_1')], phase: 'commentary' }),
        text('I will'),
        call('toolu_1'),
        call('toolu_2', 'mcp__x__y', undefined),
      ),
      user(result('toolu_1', [text('r'), image]), result('toolu_2'), text('go on')),
      { role: 'system', content: 'be brief' },
      assistant(text('one'), text('two')),
      user(text('so?')),
    ],
    tools: [
      {
        name: 'read',
        description: 'reads',
        strict: true,
        input_schema: { type: 'object', $schema: 'x', properties: {}, additionalProperties: false },
      },
    ],
    tool_choice: { type: 'tool', name: 'read', disable_parallel_tool_use: true },
    stop_sequences: ['END'],
    temperature: 0.5,
    thinking: { type: 'adaptive' },
    output_config: { effort: 'max', format: { type: 'json_schema', schema: { type: 'object', properties: {} } } },
    metadata: { user_id: 'u' },
    stream: true,
  })
  expect(publishedResponsesRequest.safeParse(body).error).toBeUndefined()
  expect(path).toBe('/responses')
})

test('nothing is stored at the provider, and its thoughts come back encrypted', () => {
  expect(sent({}).body).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] })
  // Models that do not reason refuse to be asked for it.
  expect(sent({}, { reasoning: false }).body).not.toHaveProperty('include')
})

describe('`system` string or block array', () => {
  test('a text is the instructions', () => {
    expect(sent({ system: ' You are.\n' }).body).toMatchObject({
      instructions: ' You are.\n',
      input: [said('user', 'hi')],
    })
  })
  test('blocks are text parts in order, without `cache_control`; `developer` for OpenAI reasoning models', () => {
    const system = [text('a\n', { cache_control: { type: 'ephemeral' } }), text('  b')]
    const { body, notes } = sent({ system })
    expect(body).not.toHaveProperty('instructions')
    expect(body.input[0]).toEqual(said('developer', 'a\n', '  b'))
    expect(notes).toContainEqual({ what: 'cache_control', how: 'dropped' })
    expect(sent({ system }, { reasoning: false }).body.input[0]).toEqual(said('system', 'a\n', '  b'))
  })
})

test('Attribution block `x-anthropic-billing-header: …`: this block only is dropped', () => {
  const { body, notes } = sent({ system: [text('x-anthropic-billing-header: cc_version=1;'), text('You')] })
  expect(body.instructions).toBe('You')
  expect(JSON.stringify(body)).not.toContain('billing')
  expect(notes).toContainEqual({ what: 'system:attribution', how: 'dropped' })
})

test('`role:"system"` inside `messages`: a developer message in place', () => {
  const turns = [user(text('a')), { role: 'system', content: 'now b' }, user(text('c'))]
  expect(input(turns)).toEqual([said('user', 'a'), said('developer', 'now b'), said('user', 'c')])
})

test('Consecutive same-role messages: as they are', () => {
  const turns = [user(text('a ')), user(text(' b')), assistant(text('c')), assistant(text('d')), user(text('e'))]
  expect(input(turns)).toEqual([
    said('user', 'a '),
    said('user', ' b'),
    said('assistant', 'c'),
    said('assistant', 'd'),
    said('user', 'e'),
  ])
})

describe('Image in user turn, base64 or URL', () => {
  test('data URL or URL, and no other field', () => {
    const byUrl = { type: 'image', source: { type: 'url', url: 'https://x/y.png' } }
    expect(input([user(image, byUrl)])[0].content).toEqual([
      sentImage,
      { type: 'input_image', image_url: 'https://x/y.png', detail: 'auto' },
    ])
  })
  test('a file that lives at Anthropic, or a target without vision: 400', () => {
    expect(() => input([user({ type: 'image', source: { type: 'file', file_id: 'f' } })])).toThrow('base64 or URL')
    expect(() => input([user(image)], { images: false })).toThrow('takes no images')
  })
})

test('Image in `tool_result`: in the output of its call, in order', () => {
  const turns = [user(text('a')), assistant(call('t1')), user(result('t1', [text('see'), image, text('end')]))]
  expect(input(turns)[2]).toEqual({
    type: 'function_call_output',
    call_id: 't1',
    output: [{ type: 'input_text', text: 'see' }, sentImage, { type: 'input_text', text: 'end' }],
  })
  const failed = [user(text('a')), assistant(call('t1')), user(result('t1', [image], { is_error: true }))]
  expect(input(failed)[2].output).toEqual([{ type: 'input_text', text: 'Error:' }, sentImage])
})

describe('`document` (PDF, text)', () => {
  test('PDF base64 with a filename; by URL', () => {
    const byUrl = { type: 'document', context: 'about', source: { type: 'url', url: 'https://x/y.pdf' } }
    expect(input([user(pdf, byUrl)])[0].content).toEqual([
      { type: 'input_file', filename: 'Plan.pdf', file_data: 'data:application/pdf;base64,JVBERi' },
      { type: 'input_text', text: 'about' },
      { type: 'input_file', file_url: 'https://x/y.pdf' },
    ])
  })
  test('text source: text part with title', () => {
    const source = { type: 'text', media_type: 'text/plain', data: ' body\n' }
    const content = { type: 'content', content: [text('inner'), image] }
    expect(
      input([user({ type: 'document', title: 'T', source }, { type: 'document', source: content })])[0].content,
    ).toEqual([{ type: 'input_text', text: 'T\n\n body\n' }, { type: 'input_text', text: 'inner' }, sentImage])
  })
  test('otherwise 400', () => {
    expect(() => input([user({ type: 'document', source: { type: 'file', file_id: 'f' } })])).toThrow('source')
    expect(() => input([user(pdf)], { documents: false })).toThrow('documents')
  })
  test('citations cannot be asked for: noted', () => {
    const { notes } = sent({ messages: [user({ ...pdf, citations: { enabled: true } })] })
    expect(notes).toContainEqual({ what: 'citations', how: 'dropped' })
  })
})

describe('`search_result`, `tool_reference`, `tool_addition`, `container_upload`, unknown blocks', () => {
  test('`search_result`: text with source', () => {
    const found = { type: 'search_result', title: 'T', source: 'https://s', content: [text('one'), text('two')] }
    expect(input([user(found)])).toEqual([said('user', 'T\nhttps://s\n\none\ntwo')])
  })
  test('`tool_reference`: "tool X is available", and X is in `tools`', () => {
    const { body } = sent({
      messages: [
        user(text('a')),
        assistant(call('t1', 'find')),
        user(result('t1', [{ type: 'tool_reference', tool_name: 'X' }])),
      ],
      tools: [
        { name: 'X', defer_loading: true, input_schema: {} },
        { name: 'Y', defer_loading: true, input_schema: {} },
      ],
    })
    expect(body.input[2].output).toBe('The tool X is available.')
    expect(body.tools.map(({ name }: { name: string }) => name)).toEqual(['X'])
  })
  test('`tool_addition` brings its definition, `tool_removal` says that it went', () => {
    const addition = { type: 'tool_addition', tool: { definition: { name: 'Z', input_schema: { type: 'object' } } } }
    const { body } = sent({
      messages: [
        user(text('a')),
        { role: 'system', content: [addition, { type: 'tool_removal', tool_name: 'W' }] },
        user(text('b')),
      ],
    })
    expect(body.input[1]).toEqual(
      said('developer', 'The tool Z is available.', 'The tool W is not available any more.'),
    )
    expect(body.tools).toMatchObject([{ name: 'Z' }])
  })
  test.each(['container_upload', 'hologram'])('%s: 400 naming the type', (type) => {
    expect(() => input([user({ type })])).toThrow(type)
    expect(() => input([user(text('a')), assistant({ type }), user(text('b'))])).toThrow(type)
  })
})

describe('`tool_use` history', () => {
  test('`arguments` = JSON text (`{}` if empty), text kept beside the calls in its order', () => {
    const turns = [
      user(text('a')),
      assistant(text('hm '), call('t1'), text('and'), { type: 'tool_use', id: 't2', name: 'ls' }),
      user(result('t1'), result('t2')),
    ]
    expect(input(turns).slice(1, 5)).toEqual([
      said('assistant', 'hm '),
      { type: 'function_call', call_id: 't1', name: 'read', arguments: '{"path":"a"}' },
      said('assistant', 'and'),
      { type: 'function_call', call_id: 't2', name: 'ls', arguments: '{}' },
    ])
  })
  test('a call without a result: 400', () => {
    expect(() => input([user(text('a')), assistant(call('t1')), user(text('b'))])).toThrow('t1')
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
  ])('%s: exactly one output per call', (_name, content, output) => {
    const turns = [user(text('a')), assistant(call('t1')), user(result('t1', content))]
    expect(input(turns).slice(2)).toEqual([{ type: 'function_call_output', call_id: 't1', output }])
  })
  test('two results for one call: 400', () => {
    expect(() => input([user(text('a')), assistant(call('t1')), user(result('t1'), result('t1'))])).toThrow('single')
  })
})

test('Tool-call ids: as they are, and only those that are too long mapped, call and result alike', () => {
  const long = `toolu_${'x'.repeat(60)}`
  const ids = (id: string) =>
    input([user(text('a')), assistant(call(id)), user(result(id, 'x'))])
      .slice(1)
      .map((one: { call_id: string }) => one.call_id)
  expect(ids('toolu_1')).toEqual(['toolu_1', 'toolu_1'])
  const [first, second] = ids(long)
  expect(first).toBe(second)
  expect(first.length).toBeLessThanOrEqual(64)
  expect(ids(long)).toEqual([first, second])
})

test('`is_error: true`: the text is prefixed with `Error: `', () => {
  const turns = [user(text('a')), assistant(call('t1')), user(result('t1', 'no file', { is_error: true }))]
  expect(input(turns)[2].output).toBe('Error: no file')
})

describe('Tool results plus text in one user turn', () => {
  test('all outputs directly after the calls, then one user message with the rest', () => {
    const turns = [
      user(text('a')),
      assistant(call('t1'), call('t2')),
      user(text('before'), result('t2', '2'), text('after')),
      user(result('t1', '1')),
    ]
    expect(input(turns).slice(3)).toEqual([
      { type: 'function_call_output', call_id: 't1', output: '1' },
      { type: 'function_call_output', call_id: 't2', output: '2' },
      said('user', 'before', 'after'),
    ])
  })
  test('consecutive assistant turns are one: a result is found behind the last, and stands behind its call', () => {
    const turns = [user(text('a')), assistant(call('t1')), assistant(text('b')), user(result('t1', '1'))]
    expect(input(turns).map(({ type }: { type: string }) => type)).toEqual([
      'message',
      'function_call',
      'function_call_output',
      'message',
    ])
  })
  test('result without a call: 400', () => {
    expect(() => input([user(result('t9', 'x'))])).toThrow('t9')
  })
})

describe('`thinking` history', () => {
  test('our signature is unpacked into provider state', () => {
    const turn = assistant(thought({ reasoning: [item('rs_1'), item('rs_2')] }), text('b'), call('t1'))
    expect(input([user(text('a')), turn, user(result('t1'))]).slice(1, 4)).toEqual([
      item('rs_1'),
      item('rs_2'),
      said('assistant', 'b'),
    ])
  })
  test('the phase goes back on its own message', () => {
    const turn = assistant(
      thought({ reasoning: [item('rs_1')], phase: 'commentary' }),
      text('b'),
      thought({ reasoning: [], phase: 'final_answer' }),
      text('c'),
    )
    expect(input([user(text('a')), turn, user(text('d'))]).slice(1, 4)).toEqual([
      item('rs_1'),
      { ...said('assistant', 'b'), phase: 'commentary' },
      { ...said('assistant', 'c'), phase: 'final_answer' },
    ])
  })
  test.each([
    ['foreign', 'EqQBCkYIBhgC'],
    ['another provider’s', packState('groq', { reasoning: [item('rs_1')] })],
    ['another dialect’s', packState('openai', { text: 'no' })],
    ['damaged', 'sbx1.openai.e30x'],
    ['unsigned', undefined],
  ])('a %s block is dropped', (_name, signature) => {
    const turn = assistant({ type: 'thinking', thinking: 'secret', signature }, text('b'))
    const { body, notes } = sent({ messages: [user(text('a')), turn, user(text('c'))] })
    expect(body.input[1]).toEqual(said('assistant', 'b'))
    expect(notes).toContainEqual({ what: 'block:thinking', how: 'dropped' })
  })
  test('a model that does not reason is sent none', () => {
    const turns = [user(text('a')), assistant(thought({ reasoning: [item('rs_1')] }), text('b')), user(text('c'))]
    expect(input(turns, { reasoning: false })[1]).toEqual(said('assistant', 'b'))
  })
})

describe('`redacted_thinking`, `compaction`', () => {
  test('redacted: dropped', () => {
    const turn = assistant({ type: 'redacted_thinking', data: 'zz' }, text('b'))
    expect(input([user(text('a')), turn, user(text('c'))])[1]).toEqual(said('assistant', 'b'))
  })
  test('compaction: its text is the summary of what came before', () => {
    const turns = [
      user(text('old')),
      assistant({ type: 'compaction', content: 'We did X.' }, text('b')),
      user(text('c')),
    ]
    expect(input(turns)).toEqual([said('user', 'We did X.'), said('assistant', 'b'), said('user', 'c')])
  })
})

describe('Assistant turn with thinking only', () => {
  test.each([
    ['foreign', { type: 'thinking', thinking: 'hm', signature: 'x' }],
    ['its own', thought({ reasoning: [item('rs_1')] })],
  ])('%s: the turn is dropped, nothing remains', (_name, block) => {
    const { body, notes } = sent({ messages: [user(text('a')), assistant(block), user(text('c'))] })
    expect(body.input).toEqual([said('user', 'a'), said('user', 'c')])
    expect(notes).toContainEqual({ what: 'block:thinking', how: 'dropped' })
  })
})

test('Assistant prefill (last message is assistant): sent as it is', () => {
  expect(input([user(text('a')), assistant(text('{"x":'))])).toEqual([said('user', 'a'), said('assistant', '{"x":')])
})

describe('blocks that Anthropic’s own tools left in the history', () => {
  test('what a web search found is told', () => {
    const found = {
      type: 'web_search_tool_result',
      content: [{ type: 'web_search_result', title: 'T', url: 'https://u' }],
    }
    const turn = assistant({ type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, found, text('b'))
    const { body, notes } = sent({ messages: [user(text('a')), turn, user(text('c'))] })
    expect(body.input.slice(1, 3)).toEqual([
      said('assistant', 'Found on the web:\nT https://u'),
      said('assistant', 'b'),
    ])
    expect(notes).toContainEqual({ what: 'block:server_tool_use', how: 'dropped' })
    expect(notes).toContainEqual({ what: 'block:web_search_tool_result', how: 'converted' })
  })
  test('tools that a search at Anthropic loaded are in tools', () => {
    const references = { tool_references: [{ type: 'tool_reference', tool_name: 'X' }] }
    const turn = assistant({ type: 'tool_search_tool_result', content: references }, text('b'))
    const tools = [{ name: 'X', defer_loading: true, input_schema: {} }]
    const { body } = sent({ messages: [user(text('a')), turn, user(text('c'))], tools })
    expect(body.tools).toMatchObject([{ name: 'X' }])
  })
})

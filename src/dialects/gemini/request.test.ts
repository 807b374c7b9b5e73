import { describe, expect, test } from 'vitest'
import { gemini3, gemini25, sent } from '../../../test/support/gemini.ts'
import { GatewayError } from '../../core/errors.ts'
import { parseMessagesRequest } from '../../core/messages.ts'
import { packState } from '../shared/provider-state.ts'
import { gemini } from './index.ts'
import { packSigned, placeholderSignature } from './signatures.ts'

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
const base64 = (media: string, data: string) => ({ source: { type: 'base64', media_type: media, data } })
const image = { type: 'image', ...base64('image/png', 'iVBORw') }
const pdf = { type: 'document', title: 'Plan.pdf', ...base64('application/pdf', 'JVBERi') }
const imagePart = { inlineData: { mimeType: 'image/png', data: 'iVBORw' } }
const pdfPart = { inlineData: { mimeType: 'application/pdf', data: 'JVBERi' } }

const contents = (messages: object[], model = gemini3, facts = {}) => sent({ messages }, model, facts).body.contents
const refusal = (body: object, model = gemini3, facts = {}): GatewayError => {
  try {
    sent(body, model, facts)
  } catch (error) {
    if (error instanceof GatewayError && error.type === 'caller_invalid_request') return error
    throw error
  }
  throw new Error('it was not refused')
}
const signedCall = { functionCall: expect.anything(), thoughtSignature: placeholderSignature }

describe('where it goes', () => {
  test('`:generateContent` or `:streamGenerateContent?alt=sse`, and no key in the URL', () => {
    expect(sent({}).path).toBe(`/models/${gemini3}:generateContent`)
    expect(sent({ stream: true }).path).toBe(`/models/${gemini3}:streamGenerateContent?alt=sse`)
    expect(sent({}, 'tunedModels/mine').path).toBe('/tunedModels/mine:generateContent')
    expect(sent({}, 'a b?c#d').path).toBe('/models/a%20b%3Fc%23d:generateContent')
  })
  test('a name that would lead elsewhere is refused', () => {
    for (const model of ['..', 'models/../x', '/x', '']) expect(refusal({}, model).message).toContain('model')
  })
  test('model and stream are not in the body', () => {
    expect(Object.keys(sent({ stream: true }).body).sort()).toEqual(['contents', 'generationConfig'])
  })
})

describe('`system` string or block array: `systemInstruction.parts`, not a user turn', () => {
  test('text as it is', () => {
    const { body } = sent({ system: ' You are.\n' })
    expect(body.systemInstruction).toEqual({ parts: [{ text: ' You are.\n' }] })
    expect(body.contents).toEqual([{ role: 'user', parts: [{ text: 'hi' }] }])
  })
  test('blocks in order, without `cache_control`', () => {
    const { body, notes } = sent({ system: [text('a\n', { cache_control: { type: 'ephemeral' } }), text('  b')] })
    expect(body.systemInstruction.parts).toEqual([{ text: 'a\n' }, { text: '  b' }])
    expect(notes).toContainEqual({ what: 'cache_control', how: 'dropped' })
  })
})

test('Attribution block `x-anthropic-billing-header: …`: this block only is dropped', () => {
  const { body, notes } = sent({ system: [text('x-anthropic-billing-header: cc_version=1;'), text('b')] })
  expect(body.systemInstruction.parts).toEqual([{ text: 'b' }])
  expect(notes).toContainEqual({ what: 'system:attribution', how: 'dropped' })
})

test('`role:"system"` inside `messages`: user text wrapped in `<system-reminder>`, in place', () => {
  const seen = contents([
    user(text('a')),
    assistant(text('b')),
    { role: 'system', content: 'be brief' },
    user(text('c')),
  ])
  expect(seen).toEqual([
    { role: 'user', parts: [{ text: 'a' }] },
    { role: 'model', parts: [{ text: 'b' }] },
    { role: 'user', parts: [{ text: '<system-reminder>\nbe brief\n</system-reminder>' }, { text: 'c' }] },
  ])
})

test('Consecutive same-role messages: merged into one content, parts in order', () => {
  const seen = contents([
    user(text('a')),
    user(text(' b ')),
    assistant(text('c')),
    assistant(text('d')),
    user(text('e')),
  ])
  expect(seen).toEqual([
    { role: 'user', parts: [{ text: 'a' }, { text: ' b ' }] },
    { role: 'model', parts: [{ text: 'c' }, { text: 'd' }] },
    { role: 'user', parts: [{ text: 'e' }] },
  ])
})

describe('Image in user turn, base64 or URL', () => {
  test('base64 is `inlineData`', () => {
    expect(contents([user(image, text('what?'))])[0].parts).toEqual([imagePart, { text: 'what?' }])
  })
  test('a URL is `fileData`; the gateway fetches nothing', () => {
    const at = (url: string) => contents([user({ type: 'image', source: { type: 'url', url } })])[0].parts
    expect(at('https://x.org/a.PNG?b=1')).toEqual([
      { fileData: { mimeType: 'image/png', fileUri: 'https://x.org/a.PNG?b=1' } },
    ])
    expect(at('https://x.org/a')).toEqual([{ fileData: { fileUri: 'https://x.org/a' } }])
  })
  test('other addresses, files at Anthropic, and targets without vision: 400', () => {
    for (const source of [{ type: 'url', url: 'file:///etc/passwd' }, { type: 'file', file_id: 'f' }, undefined])
      expect(refusal({ messages: [user({ type: 'image', source })] }).message).toContain('messages.0.content.0')
    expect(refusal({ messages: [user(image)] }, gemini3, { images: false }).status).toBe(400)
  })
})

describe('Image in `tool_result`', () => {
  const turns = [user(text('a')), assistant(call('c1')), user(result('c1', [text('seen'), image]), text('so?'))]
  test('G 3+: `functionResponse.parts[].inlineData`', () => {
    expect(contents(turns)[2].parts).toEqual([
      { functionResponse: { id: 'c1', name: 'read', response: { output: 'seen' }, parts: [imagePart] } },
      { text: 'so?' },
    ])
  })
  test('older: extra `inlineData` parts behind the results', () => {
    expect(contents(turns, gemini25)[2].parts).toEqual([
      { functionResponse: { name: 'read', response: { output: 'seen' } } },
      { text: 'Files of the result of tool call c1:' },
      imagePart,
      { text: 'so?' },
    ])
  })
})

describe('`document` (PDF, text)', () => {
  test('PDF base64 is `inlineData` application/pdf', () => {
    expect(contents([user(pdf)])[0].parts).toEqual([{ text: 'Plan.pdf' }, pdfPart])
  })
  test('a text source is a text part with its title', () => {
    const source = { type: 'text', media_type: 'text/plain', data: ' body\n' }
    expect(contents([user({ type: 'document', title: 'T', context: 'C', source })])[0].parts).toEqual([
      { text: 'T\nC\n\n body\n' },
    ])
  })
  test('content of its own is parts', () => {
    const source = { type: 'content', content: [text('x'), image] }
    expect(contents([user({ type: 'document', source })])[0].parts).toEqual([{ text: 'x' }, imagePart])
    expect(contents([user({ type: 'document', source: { type: 'content', content: 'y' } })])[0].parts).toEqual([
      { text: 'y' },
    ])
  })
  test('otherwise 400', () => {
    const url = { type: 'document', source: { type: 'url', url: 'https://x.org/a.pdf' } }
    expect(refusal({ messages: [user(url)] }).status).toBe(400)
    expect(refusal({ messages: [user(pdf)] }, gemini3, { documents: false }).status).toBe(400)
  })
})

describe('`search_result`, `tool_reference`, `tool_addition`, `container_upload`, unknown blocks', () => {
  test('`search_result` is text with its source', () => {
    const found = { type: 'search_result', title: 'T', source: 'https://x.org', content: [text('one'), text('two')] }
    expect(contents([user(found)])[0].parts).toEqual([{ text: 'T\nhttps://x.org\n\none\ntwo' }])
  })
  test('`tool_reference`: the tool is told to be available, and is in `tools`', () => {
    const tools = [{ name: 'later', defer_loading: true, input_schema: { type: 'object' } }, { name: 'find' }]
    const messages = [
      user(text('a')),
      assistant(call('c1', 'find')),
      user(result('c1', [{ type: 'tool_reference', tool_name: 'later' }])),
    ]
    const { body } = sent({ tools, messages })
    expect(body.contents[2].parts[0].functionResponse.response.output).toBe('The tool later is available.')
    expect(body.tools[0].functionDeclarations.map(({ name }: { name: string }) => name)).toEqual(['later', 'find'])
  })
  test('`tool_addition` brings its definition along', () => {
    const definition = { name: 'extra', input_schema: { type: 'object', properties: { a: { type: 'string' } } } }
    const added = { type: 'tool_addition', tool: { definition } }
    const { body } = sent({ messages: [user(text('a')), { role: 'system', content: [added] }] })
    expect(body.tools[0].functionDeclarations).toMatchObject([{ name: 'extra' }])
  })
  test('unknown: 400 naming the type', () => {
    for (const type of ['container_upload', 'hologram']) {
      expect(refusal({ messages: [user({ type })] }).message).toContain(`"${type}"`)
      expect(refusal({ messages: [user(text('a')), assistant({ type })] }).message).toContain(`"${type}"`)
    }
  })
})

describe('`tool_use` history', () => {
  const turns = [user(text('a')), assistant(text('I will'), call('c1', 'read', { p: 1 })), user(result('c1', 'r'))]
  test('`functionCall {name,args}`, plus `id` on Gemini 3; text beside it stays', () => {
    expect(contents(turns)[1].parts).toEqual([
      { text: 'I will' },
      { functionCall: { id: 'c1', name: 'read', args: { p: 1 } }, thoughtSignature: placeholderSignature },
    ])
    expect(contents(turns, gemini25)[1].parts).toEqual([
      { text: 'I will' },
      { functionCall: { name: 'read', args: { p: 1 } } },
    ])
  })
  test('empty input is an empty object', () => {
    const seen = contents([
      user(text('a')),
      assistant({ type: 'tool_use', id: 'c1', name: 'read' }),
      user(result('c1')),
    ])
    expect(seen[1].parts[0].functionCall.args).toEqual({})
  })
})

describe('`tool_result` as string, array, empty or absent', () => {
  const response = (...args: Parameters<typeof result>) =>
    contents([user(text('a')), assistant(call('c1', 'look')), user(result(...args))])[2].parts[0].functionResponse
  test('`functionResponse {name, response}`; the name comes from the matching `tool_use`', () => {
    expect(response('c1', ' r\n')).toEqual({ id: 'c1', name: 'look', response: { output: ' r\n' } })
    expect(response('c1', [text('a'), text('b')]).response).toEqual({ output: 'a\nb' })
    for (const empty of ['', [], null, undefined]) expect(response('c1', empty).response).toEqual({ output: '' })
  })
  test('`is_error: true`: `response:{error:…}`', () => {
    expect(response('c1', 'no such file', { is_error: true }).response).toEqual({ error: 'no such file' })
  })
})

test('Tool-call ids: kept as they are, call and result alike', () => {
  const id = 'toolu_01-x_Y'
  const seen = contents([user(text('a')), assistant(call(id)), user(result(id, 'r'))])
  expect(seen[1].parts[0].functionCall.id).toBe(id)
  expect(seen[2].parts[0].functionResponse.id).toBe(id)
})

describe('Tool results plus text in one user turn', () => {
  test('functionResponse parts first, in the order of the calls, then text', () => {
    const seen = contents([
      user(text('a')),
      assistant(call('c1'), call('c2', 'list')),
      user(text('first'), result('c2', '2'), result('c1', '1'), text('last')),
    ])
    const names = seen[2].parts.map(
      (part: { text?: string; functionResponse?: { id: string } }) => part.functionResponse?.id ?? part.text,
    )
    expect(names).toEqual(['c1', 'c2', 'first', 'last'])
  })
  test('also where results come in several messages, or an instruction stands between', () => {
    const seen = contents([
      user(text('a')),
      assistant(call('c1'), call('c2')),
      { role: 'system', content: 'hm' },
      user(result('c1', '1')),
      user(result('c2', '2')),
    ])
    expect(seen[2].parts.map((part: object) => Object.keys(part)[0])).toEqual([
      'functionResponse',
      'functionResponse',
      'text',
    ])
  })
  test('a result without a call, a call without a result, two results: 400', () => {
    expect(refusal({ messages: [user(result('c9', 'x'))] }).message).toContain('tool_use_id')
    expect(refusal({ messages: [user(text('a')), assistant(call('c1')), user(text('b'))] }).message).toContain('c1')
    expect(
      refusal({ messages: [user(text('a')), assistant(call('c1')), user(result('c1'), result('c1'))] }).message,
    ).toContain('single result')
  })
})

describe('`thinking` history', () => {
  const thinking = (words: string, signature?: string) => ({ type: 'thinking', thinking: words, signature })
  const model = (...blocks: object[]) => contents([user(text('a')), assistant(...blocks), user(text('b'))])[1]?.parts
  test('our signature is unpacked, and each signature is on its own part again', () => {
    const before = packSigned([
      { on: 'thought', at: 2, length: 2, signature: 'T' },
      { on: 'next', at: 0, length: 3, signature: 'N' },
    ])
    const behind = packSigned([{ on: 'last', at: 5, length: 0, signature: 'L' }])
    expect(model(thinking('abcdef', before), text('12345'), thinking('', behind))).toEqual([
      { text: 'ab', thought: true },
      { text: 'cd', thought: true, thoughtSignature: 'T' },
      { text: 'ef', thought: true },
      { text: '123', thoughtSignature: 'N' },
      { text: '45' },
      { text: '', thoughtSignature: 'L' },
    ])
  })
  test('a call’s signature is keyed by its id, wherever the block went', () => {
    const signature = packSigned([{ on: 'call', id: 'c2', signature: 'S' }])
    const seen = contents([
      user(text('a')),
      assistant(thinking('', packSigned([{ on: 'call', id: 'c1', signature: 'R' }])), call('c1'), call('c3')),
      user(result('c1'), result('c3')),
      assistant(call('c2'), thinking('', signature)),
      user(result('c2')),
    ])
    const signatures = seen.flatMap(({ parts }: { parts: { thoughtSignature?: string }[] }) =>
      parts.map((part) => part.thoughtSignature),
    )
    expect(signatures).toEqual([undefined, 'R', undefined, undefined, undefined, 'S', undefined])
  })
  test('foreign or unsigned blocks are dropped', () => {
    const { body, notes } = sent({
      messages: [
        user(text('a')),
        assistant(
          thinking('x', 'EqAB…'),
          thinking('y'),
          thinking('z', packState('deepseek', { text: 'z' })),
          text('b'),
        ),
        user(text('c')),
      ],
    })
    expect(body.contents[1].parts).toEqual([{ text: 'b' }])
    expect(notes).toContainEqual({ what: 'block:thinking', how: 'dropped' })
  })
  test('a damaged state does no harm', () => {
    for (const state of [
      null,
      [],
      { signed: 'x' },
      { signed: [null, 1, { on: 'next' }, { on: 'call', id: 1, signature: 's' }] },
    ])
      expect(model(thinking('', packState('gemini', state)), text('b'))).toEqual([{ text: 'b' }])
    const far = packSigned([{ on: 'next', at: 90, length: 10, signature: 'N' }])
    expect(model(thinking('', far), text('b'))).toEqual([{ text: 'b' }, { text: '', thoughtSignature: 'N' }])
  })
})

describe('History without a signature: documented placeholder `skip_thought_signature_validator`', () => {
  test('on the first call of each turn, for Gemini 3 alone', () => {
    const turns = [
      user(text('a')),
      assistant(call('c1'), call('c2')),
      user(result('c1'), result('c2')),
      assistant(call('c3')),
      user(result('c3')),
    ]
    const calls = (model: string) =>
      contents(turns, model).flatMap(({ role, parts }: { role: string; parts: object[] }) =>
        role === 'model' ? parts : [],
      )
    expect(calls(gemini3)).toEqual([signedCall, { functionCall: expect.anything() }, signedCall])
    expect(calls(gemini25)).toEqual([1, 2, 3].map(() => ({ functionCall: expect.anything() })))
  })
})

test('`redacted_thinking` is dropped, `compaction` carries its text as the summary', () => {
  const { body, notes } = sent({
    messages: [
      user(text('old')),
      assistant(
        { type: 'compaction', content: 'The story so far.' },
        { type: 'redacted_thinking', data: 'x' },
        text('b'),
      ),
      user(text('c')),
    ],
  })
  expect(body.contents).toEqual([
    { role: 'user', parts: [{ text: 'The story so far.' }] },
    { role: 'model', parts: [{ text: 'b' }] },
    { role: 'user', parts: [{ text: 'c' }] },
  ])
  expect(notes).toContainEqual({ what: 'block:redacted_thinking', how: 'dropped' })
  expect(notes).toContainEqual({ what: 'block:compaction', how: 'converted' })
})

test('Assistant turn with thinking only: the turn is dropped', () => {
  const seen = contents([
    user(text('a')),
    assistant({ type: 'thinking', thinking: 'x', signature: 's' }),
    user(text('b')),
  ])
  expect(seen).toEqual([{ role: 'user', parts: [{ text: 'a' }, { text: 'b' }] }])
})

test('Assistant prefill (last message is assistant): sent as it is', () => {
  expect(contents([user(text('a')), assistant(text('{"x":'))])[1]).toEqual({
    role: 'model',
    parts: [{ text: '{"x":' }],
  })
})

test('an input that is nested too deep: 400', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const body = `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{"x":${deep}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`
  const target = { provider: 'gemini', model: gemini3, facts: {}, userHash: null }
  expect(() => gemini.toUpstream(parseMessagesRequest(Buffer.from(body)), target)).toThrow('too deep')
})

test('nothing that could be sent: 400', () => {
  expect(refusal({ messages: [{ role: 'user', content: '' }] }).status).toBe(400)
})

test('Keep text exact: no trimming, no re-joining of blocks, no filler', () => {
  const words = ['  if (x) {\n', '\t}\n', ' ', '\u2028é😀']
  expect(contents([user(...words.map((word) => text(word)))])[0].parts).toEqual(words.map((word) => ({ text: word })))
})

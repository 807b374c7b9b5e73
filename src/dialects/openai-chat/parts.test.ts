import { describe, expect, test } from 'vitest'
import { sent } from '../../../test/support/openai-chat.ts'
import { chatQuirks } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter } = chatQuirks

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

describe('Image in user turn, base64 or URL', () => {
  const url = { type: 'image', source: { type: 'url', url: 'https://x/y.png' } }
  test('`image_url` with data URL or URL, and nothing else', () => {
    expect(messages(openai, [user(image, url)])[0].content).toEqual([
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw' } },
      { type: 'image_url', image_url: { url: 'https://x/y.png' } },
    ])
  })
  test('mistral takes the address as a text', () => {
    expect(messages(mistral, [user(url)])[0].content).toEqual([{ type: 'image_url', image_url: 'https://x/y.png' }])
  })
  test('target without vision: 400', () => {
    expect(() => sent(groq, { messages: [user(image)] }, { images: false })).toThrow('messages.0.content.0')
  })
  test('a file at Anthropic: 400', () => {
    const file = { type: 'image', source: { type: 'file', file_id: 'f' } }
    expect(() => sent(openai, { messages: [user(file)] })).toThrow('messages.0.content.0.source')
  })
})

test('Image in `tool_result`: text stays, images follow all tool messages, labelled with the call id', () => {
  const turns = [
    user(text('go')),
    assistant(call('t1'), call('t2')),
    user(result('t1', [text('shot'), image]), result('t2', 'fine'), text('next')),
  ]
  const [, , first, second, after] = messages(openai, turns)
  expect(first).toEqual({ role: 'tool', tool_call_id: 't1', content: 'shot' })
  expect(second).toEqual({ role: 'tool', tool_call_id: 't2', content: 'fine' })
  expect(after.role).toBe('user')
  expect(after.content[0].text).toContain('t1')
  expect(after.content.slice(1)).toEqual([
    { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw' } },
    text('next'),
  ])
})

describe('`document` (PDF, text)', () => {
  test('PDF base64: `file.file_data` with a filename', () => {
    const file = { filename: 'Plan.pdf', file_data: 'data:application/pdf;base64,JVBERi' }
    expect(messages(openai, [user(pdf)])[0].content).toEqual([{ type: 'file', file }])
  })
  test('mistral: `document_url`', () => {
    expect(messages(mistral, [user(pdf)])[0].content).toEqual([
      { type: 'document_url', document_url: 'data:application/pdf;base64,JVBERi', document_name: 'Plan.pdf' },
    ])
  })
  test('text source: a text part with title', () => {
    const source = { type: 'text', media_type: 'text/plain', data: '  body\n' }
    expect(messages(groq, [user({ type: 'document', title: 'T', source })])[0].content).toBe('T\n\n  body\n')
    const content = { type: 'content', content: [text('a'), image] }
    expect(messages(groq, [user({ type: 'document', source: content })])[0].content).toHaveLength(2)
  })
  test.each([
    ['groq', groq],
    ['deepseek', deepseek],
    ['xai', xai],
  ])('otherwise 400 (%s)', (_name, quirks) => {
    expect(() => messages(quirks, [user(pdf)])).toThrow('documents')
  })
  test('PDF by URL is refused by openai', () => {
    const source = { type: 'url', url: 'https://x/y.pdf' }
    expect(() => messages(openai, [user({ type: 'document', source })])).toThrow('documents')
    expect(messages(openrouter, [user({ type: 'document', source })])[0].content[0].file.file_data).toBe(source.url)
  })
})

describe('`search_result`, `tool_reference`, `tool_addition`, `container_upload`, unknown blocks', () => {
  test('`search_result`: text with source', () => {
    const found = { type: 'search_result', title: 'T', source: 'https://s', content: [text('x'), text('y')] }
    expect(messages(openai, [user(found)])[0].content).toBe('T\nhttps://s\n\nx\ny')
  })
  test('`tool_reference`: "tool X is available", and X is in `tools`', () => {
    const { body } = sent(openai, {
      messages: [
        user(text('a')),
        assistant(call('t1', 'ToolSearch')),
        user(result('t1', [{ type: 'tool_reference', tool_name: 'grep' }])),
      ],
      tools: [
        { name: 'ToolSearch', input_schema: {} },
        { name: 'grep', defer_loading: true, input_schema: {} },
      ],
    })
    expect(body.messages[2].content).toBe('The tool grep is available.')
    expect(body.tools.map((tool: { function: { name: string } }) => tool.function.name)).toEqual(['ToolSearch', 'grep'])
  })
  test('`tool_addition` with its definition', () => {
    const definition = { name: 'grep', input_schema: { type: 'object', properties: {} } }
    const { body } = sent(openai, {
      messages: [
        user(text('a')),
        { role: 'system', content: [{ type: 'tool_addition', tool: { type: 'tool_definition', definition } }] },
      ],
    })
    expect(body.messages[1].content).toBe('The tool grep is available.')
    expect(body.tools[0].function.name).toBe('grep')
  })
  test.each(['container_upload', 'hologram'])('%s: 400 naming the type', (type) => {
    expect(() => messages(openai, [user({ type })])).toThrow(type)
    expect(() => messages(openai, [user(text('a')), assistant({ type })])).toThrow(type)
  })
})

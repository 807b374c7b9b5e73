import { describe, expect, test } from 'vitest'
import { answered, chunkOf, contextFor, gemini3, gemini25, sent } from '../../../test/support/gemini.ts'
import { blockFates, fieldFates } from './fates.ts'
import { geminiWith } from './index.ts'

const schema = { type: 'object', properties: { path: { type: 'string' } } }
const read = { name: 'read', description: 'reads', input_schema: schema }
const config = (body: object, model = gemini3, facts = {}) => sent(body, model, facts).body.generationConfig
const declarations = (tools: object[], more: object = {}) =>
  sent({ tools, ...more }).body.tools?.[0].functionDeclarations
const search = { type: 'web_search_20250305', name: 'web_search' }

describe('Tool schemas', () => {
  test('name, description and parameters; `$schema`, `cache_control`, `strict`, `eager_input_streaming` are removed', () => {
    const marked = { cache_control: { type: 'ephemeral' }, strict: true, eager_input_streaming: true }
    const { body, notes } = sent({
      tools: [{ ...read, ...marked, input_schema: { $schema: 'http://json-schema.org', ...schema } }],
    })
    expect(body.tools).toEqual([{ functionDeclarations: [{ name: 'read', description: 'reads', parameters: schema }] }])
    expect(notes.map(({ what }) => what)).toEqual(['cache_control', 'tools.strict', 'tools.eager_input_streaming'])
  })
  test('no `input_schema`, or an empty root object: no `parameters`', () => {
    expect(declarations([{ name: 'a' }, { name: 'b', input_schema: { type: 'object', properties: {} } }])).toEqual([
      { name: 'a' },
      { name: 'b' },
    ])
  })
})

test('`defer_loading` tools and their placeholder: dropped until they are named', () => {
  const { body, notes } = sent({
    tools: [
      read,
      { ...read, name: 'later', defer_loading: true },
      { type: 'tool_search_tool_regex_20251119', name: 's' },
    ],
  })
  expect(body.tools[0].functionDeclarations).toHaveLength(1)
  expect(notes).toContainEqual({ what: 'tool:deferred', how: 'dropped' })
  expect(notes).toContainEqual({ what: 'tool:tool_search_tool_regex', how: 'dropped' })
})

describe('Server tools (`web_search_…`, `code_execution_…`, `mcp_servers`)', () => {
  test('dropped with a recorded warning', () => {
    const { body, notes } = sent({ tools: [search, { type: 'code_execution_20250522', name: 'c' }], mcp_servers: [{}] })
    expect(body.tools).toBeUndefined()
    expect(notes.map(({ what }) => what).sort()).toEqual(['mcp_servers', 'tool:code_execution', 'tool:web_search'])
  })
  test('400 if `tool_choice` forces it', () => {
    expect(() => sent({ tools: [search], tool_choice: { type: 'tool', name: 'web_search' } })).toThrow('tool_choice')
    expect(() => sent({ tools: [search], tool_choice: { type: 'any' } })).toThrow('tool_choice')
  })
  test('`googleSearch` if configured', () => {
    const dialect = geminiWith({ googleSearch: true })
    expect(sent({ tools: [search] }, gemini3, {}, dialect).body.tools).toEqual([{ googleSearch: {} }])
    const both = sent({ tools: [search, read] }, gemini3, {}, dialect)
    expect(both.body.tools[0].functionDeclarations).toHaveLength(1)
    expect(both.notes).toContainEqual({ what: 'tool:web_search', how: 'dropped' })
  })
})

describe('Tool names over 64 characters or with other characters', () => {
  const names = ['mcp__server__'.padEnd(80, 'x'), 'tool with spaces', '1st', 'naïve']
  test('a short name, the same in every turn and place', () => {
    const { body, toolNames } = sent({
      tools: names.map((name) => ({ name })),
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: names[0], input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1' }] },
      ],
      tool_choice: { type: 'tool', name: names[0] },
    })
    const short = body.tools[0].functionDeclarations.map(({ name }: { name: string }) => name)
    for (const name of short) expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/)
    expect(short.map((name: string) => toolNames.get(name))).toEqual(names)
    expect(body.contents[1].parts[0].functionCall.name).toBe(short[0])
    expect(body.contents[2].parts[0].functionResponse.name).toBe(short[0])
    expect(body.toolConfig.functionCallingConfig.allowedFunctionNames).toEqual([short[0]])
  })
  test('restored in the response', () => {
    const { toolNames } = sent({ tools: names.map((name) => ({ name })) })
    for (const [short, name] of toolNames) {
      const context = contextFor({ tools: names.map((own) => ({ name: own })) }, toolNames)
      const { content } = answered([chunkOf([{ functionCall: { name: short, args: {} } }], 'STOP')], context)
      expect(content).toMatchObject([{ type: 'tool_use', name }])
    }
  })
})

test('More than 50 or 128 tools: no local limit', () => {
  expect(declarations(Array.from({ length: 300 }, (_, index) => ({ name: `t${index}` })))).toHaveLength(300)
})

describe('`tool_choice`', () => {
  test.each([
    [{ type: 'auto' }, { mode: 'AUTO' }],
    [{ type: 'any' }, { mode: 'ANY' }],
    [
      { type: 'tool', name: 'read' },
      { mode: 'ANY', allowedFunctionNames: ['read'] },
    ],
    [{ type: 'none' }, { mode: 'NONE' }],
  ])('%j: %j', (choice, mode) => {
    expect(sent({ tools: [read], tool_choice: choice }).body.toolConfig.functionCallingConfig).toEqual(mode)
  })
  test('no tools: omitted', () => {
    expect(sent({ tool_choice: { type: 'auto' } }).body.toolConfig).toBeUndefined()
    expect(sent({ tools: [read] }).body.toolConfig).toBeUndefined()
  })
  test('a tool that is not there: 400', () => {
    expect(() => sent({ tools: [read], tool_choice: { type: 'tool', name: 'write' } })).toThrow('write')
  })
})

test('`disable_parallel_tool_use`: no switch; recorded', () => {
  const { notes } = sent({ tools: [read], tool_choice: { type: 'auto', disable_parallel_tool_use: true } })
  expect(notes).toContainEqual({ what: 'tool_choice.disable_parallel_tool_use', how: 'dropped' })
})

test('`max_tokens`: `maxOutputTokens`, clamped to the model cap, recorded', () => {
  expect(config({ max_tokens: 32_000 }).maxOutputTokens).toBe(32_000)
  const { body, notes } = sent({ max_tokens: 128_000 }, gemini3, { maxOutputTokens: 65_536 })
  expect(body.generationConfig.maxOutputTokens).toBe(65_536)
  expect(notes).toContainEqual({ what: 'max_tokens', how: 'clamped' })
})

test('`temperature`, `top_p`, `top_k`: carried; temperature clamped to the range', () => {
  expect(config({ temperature: 0.4, top_p: 0.9, top_k: 40 })).toMatchObject({ temperature: 0.4, topP: 0.9, topK: 40 })
  const { body, notes } = sent({ temperature: 3 })
  expect(body.generationConfig.temperature).toBe(2)
  expect(notes).toContainEqual({ what: 'temperature', how: 'clamped' })
})

test('`stop_sequences`: `stopSequences`, at most 5; extra ones 400', () => {
  expect(config({ stop_sequences: ['a', 'b'] }).stopSequences).toEqual(['a', 'b'])
  expect(config({ stop_sequences: [] }).stopSequences).toBeUndefined()
  expect(() => sent({ stop_sequences: ['1', '2', '3', '4', '5', '6'] })).toThrow('stop_sequences')
})

describe('`thinking`, `output_config.effort`', () => {
  const thinking = (body: object, model = gemini3, facts = {}) => config(body, model, facts).thinkingConfig
  const enabled = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens } })
  test.each([
    ['nothing', {}, undefined],
    ['`adaptive` without effort: provider default', { thinking: { type: 'adaptive' } }, { includeThoughts: true }],
    ['omitted thoughts', { thinking: { type: 'adaptive', display: 'omitted' } }, undefined],
    [
      'disabled: lowest',
      { thinking: { type: 'disabled' }, output_config: { effort: 'max' } },
      { thinkingLevel: 'low' },
    ],
    ['effort: same word', { output_config: { effort: 'medium' } }, { thinkingLevel: 'medium' }],
    ['`xhigh`, `max`: highest', { output_config: { effort: 'max' } }, { thinkingLevel: 'high' }],
    [
      'effort before budget',
      { ...enabled(1024), output_config: { effort: 'high' } },
      { thinkingLevel: 'high', includeThoughts: true },
    ],
    ['budget ≤ 4096: low', enabled(4096), { thinkingLevel: 'low', includeThoughts: true }],
    ['budget ≤ 16384: medium', enabled(16_384), { thinkingLevel: 'medium', includeThoughts: true }],
    ['else high', enabled(16_385), { thinkingLevel: 'high', includeThoughts: true }],
  ])('Gemini 3 `thinkingLevel`: %s', (_name, body, expected) => {
    expect(thinking(body)).toEqual(expected)
  })
  test('clamped to what the model accepts', () => {
    expect(thinking({ output_config: { effort: 'medium' } }, gemini3, { efforts: ['low', 'high'] })).toEqual({
      thinkingLevel: 'low',
    })
    expect(thinking({ thinking: { type: 'disabled' } }, gemini3, { efforts: ['minimal', 'low'] })).toEqual({
      thinkingLevel: 'minimal',
    })
    expect(sent({ output_config: { effort: 'max' } }).notes).toContainEqual({ what: 'effort', how: 'clamped' })
  })
  test.each([
    [gemini25, { thinking: { type: 'disabled' } }, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { thinking: { type: 'disabled' } }, { thinkingBudget: 128 }],
    [gemini25, enabled(2000), { thinkingBudget: 2000, includeThoughts: true }],
    [gemini25, enabled(99_999), { thinkingBudget: 24_576, includeThoughts: true }],
    ['gemini-2.5-flash-lite', enabled(100), { thinkingBudget: 512, includeThoughts: true }],
    ['gemini-2.5-pro', { output_config: { effort: 'max' } }, { thinkingBudget: 32_768 }],
    [gemini25, { output_config: { effort: 'low' } }, { thinkingBudget: 4096 }],
  ])('2.5 `thinkingBudget` (0 = off, not on Pro): %s %j', (model, body, expected) => {
    expect(thinking(body, model)).toEqual(expected)
  })
  test('never effort to a model without it', () => {
    for (const [model, facts] of [
      ['gemini-2.0-flash', {}],
      [gemini3, { efforts: [] }],
    ] as const) {
      const { body, notes } = sent({ ...enabled(2000), output_config: { effort: 'high' } }, model, facts)
      expect(body.generationConfig.thinkingConfig).toBeUndefined()
      expect(notes).toContainEqual({ what: 'effort', how: 'dropped' })
    }
  })
})

describe('`output_config.format` json_schema', () => {
  const format = { type: 'json_schema', schema: { ...schema, $schema: 'x', additionalProperties: false } }
  test('`responseMimeType` + schema', () => {
    expect(config({ output_config: { format } })).toMatchObject({
      responseMimeType: 'application/json',
      responseSchema: schema,
    })
    expect(config({ output_format: format }).responseSchema).toEqual(schema)
  })
  test('before Gemini 3 not together with tools: the schema is in the prompt', () => {
    expect(config({ output_config: { format }, tools: [read] }).responseSchema).toEqual(schema)
    const { body, notes } = sent({ output_config: { format }, tools: [read], system: 's' }, gemini25)
    expect(body.generationConfig.responseSchema).toBeUndefined()
    expect(body.systemInstruction.parts.map(({ text }: { text: string }) => text)).toEqual([
      's',
      expect.stringContaining('"path"'),
    ])
    expect(notes).toContainEqual({ what: 'output_config.format', how: 'converted' })
  })
  test('enums that are no strings stay what they are', () => {
    const numbers = { type: 'json_schema', schema: { type: 'object', properties: { n: { enum: [1, 2] } } } }
    expect(config({ output_config: { format: numbers } }).responseSchema.properties.n).toEqual({
      type: 'integer',
      description: 'One of: 1, 2',
    })
  })
  test('another kind of format: 400', () => {
    expect(() => sent({ output_config: { format: { type: 'grammar' } } })).toThrow('output_config.format')
  })
})

test('`metadata.user_id`: never sent', () => {
  const { body, notes } = sent({ metadata: { user_id: 'device-1' } })
  expect(JSON.stringify(body)).not.toMatch(/device-1|h4sh/)
  expect(notes).toContainEqual({ what: 'metadata.user_id', how: 'dropped' })
})

test('`service_tier`, `speed`, `inference_geo`, `context_management`, `fallbacks`, `safeguards`: dropped, recorded; `container`: 400', () => {
  const fields = ['service_tier', 'speed', 'inference_geo', 'context_management', 'fallbacks', 'safeguards']
  const { body, notes } = sent(Object.fromEntries(fields.map((field) => [field, 'x'])))
  expect(Object.keys(body).sort()).toEqual(['contents', 'generationConfig'])
  expect(notes.map(({ what }) => what).sort()).toEqual([...fields].sort())
  expect(() => sent({ container: 'c' })).toThrow('container')
  expect(sent({ brand_new: 1 }).notes).toEqual([{ what: 'other_field', how: 'dropped' }])
})

test('each field that the table calls dropped is noted', () => {
  for (const [field, { fate }] of Object.entries(fieldFates))
    if (fate === 'dropped') expect(sent({ [field]: { x: 1 } }).notes).toHaveLength(1)
})

test('More than 100 messages: no local limit', () => {
  const messages = Array.from({ length: 301 }, (_, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: 'a' }))
  expect(sent({ messages }).body.contents).toHaveLength(301)
})

test('each block that the table calls dropped is noted, each that it calls refused is a 400', () => {
  for (const [type, { fate }] of Object.entries(blockFates)) {
    const blocks = [{ type: 'text', text: 'a' }, { type }]
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: blocks },
    ]
    if (fate === 'dropped') expect(sent({ messages }).notes).toEqual([{ what: `block:${type}`, how: 'dropped' }])
    if (fate === 'refused') expect(() => sent({ messages })).toThrow(type)
  }
})

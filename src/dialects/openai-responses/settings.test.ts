import { describe, expect, test } from 'vitest'
import { sent } from '../../../test/support/openai-responses.ts'
import { blockFates, fieldFates } from './index.ts'

const read = { name: 'read', description: 'reads', input_schema: { type: 'object', properties: {} } }

describe('Tool schemas', () => {
  test('`$schema`, `cache_control`, `eager_input_streaming` are removed, and recorded', () => {
    const { body, notes } = sent({
      tools: [
        {
          ...read,
          input_schema: { $schema: 'x', type: 'object', properties: { a: { type: 'string' } } },
          cache_control: { type: 'ephemeral' },
          eager_input_streaming: true,
        },
      ],
    })
    expect(body.tools).toEqual([
      {
        type: 'function',
        name: 'read',
        description: 'reads',
        parameters: { type: 'object', properties: { a: { type: 'string' } } },
        strict: false,
      },
    ])
    expect(notes).toContainEqual({ what: 'tools.eager_input_streaming', how: 'dropped' })
    expect(notes).toContainEqual({ what: 'cache_control', how: 'dropped' })
  })
  test('`strict` where the schema allows it; never by default, for optional parameters would become required', () => {
    const closed = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    }
    expect(sent({ tools: [{ ...read, strict: true, input_schema: closed }] }).body.tools[0].strict).toBe(true)
    expect(sent({ tools: [{ ...read, input_schema: closed }] }).body.tools[0].strict).toBe(false)
    const open = sent({ tools: [{ ...read, strict: true }] })
    expect(open.body.tools[0].strict).toBe(false)
    expect(open.notes).toContainEqual({ what: 'tools.strict', how: 'dropped' })
  })
  test('no `input_schema`: an empty object', () => {
    expect(sent({ tools: [{ name: 'x' }] }).body.tools[0].parameters).toEqual({ type: 'object', properties: {} })
  })
})

test('`defer_loading` tools and their placeholder: only those whose `tool_reference` or call occurred', () => {
  const tools = [
    { ...read, defer_loading: true },
    { type: 'tool_search_tool_regex_20251119', name: 'tool_search_tool_regex' },
  ]
  const { body, notes } = sent({ tools })
  expect(body).not.toHaveProperty('tools')
  expect(notes).toEqual([
    { what: 'tool:deferred', how: 'dropped' },
    { what: 'tool:tool_search_tool_regex', how: 'dropped' },
  ])
})

describe('Server tools (`web_search_…`, `code_execution_…`, `mcp_servers`)', () => {
  const search = { type: 'web_search_20250305', name: 'web_search' }
  test('dropped with a recorded warning', () => {
    const { body, notes } = sent({ tools: [search, { type: 'odd_2030', name: 'o' }, read], mcp_servers: [{}] })
    expect(body.tools.map(({ name }: { name: string }) => name)).toEqual(['read'])
    for (const what of ['tool:web_search', 'tool:other', 'mcp_servers'])
      expect(notes).toContainEqual({ what, how: 'dropped' })
  })
  test('400 if `tool_choice` forces it', () => {
    expect(() => sent({ tools: [search, read], tool_choice: { type: 'tool', name: 'web_search' } })).toThrow(
      'web_search',
    )
    expect(() => sent({ tools: [search], tool_choice: { type: 'any' } })).toThrow('tool_choice')
  })
})

test('Tool names over 64 characters or with other characters: a reversible short name, the same in every turn', () => {
  const long = `mcp__${'server'.repeat(12)}__tool.x`
  const body = {
    tools: [{ ...read, name: long }],
    tool_choice: { type: 'tool', name: long },
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: long, input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] },
    ],
  }
  const { body: first, toolNames } = sent(body)
  const short = first.tools[0].name
  expect(short).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  expect(toolNames.get(short)).toBe(long)
  expect(first.input[1].name).toBe(short)
  expect(first.tool_choice).toEqual({ type: 'function', name: short })
  expect(sent(body).body).toEqual(first)
})

test('More than 100 messages, 50 or 128 tools: no local limit', () => {
  const tools = Array.from({ length: 200 }, (_, at) => ({ ...read, name: `t${at}` }))
  const messages = Array.from({ length: 301 }, (_, at) => ({ role: at % 2 ? 'assistant' : 'user', content: `${at}` }))
  const { body } = sent({ tools, messages })
  expect(body.tools).toHaveLength(200)
  expect(body.input).toHaveLength(301)
})

describe('`tool_choice`', () => {
  test.each([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'any' }, 'required'],
    [{ type: 'none' }, 'none'],
    [
      { type: 'tool', name: 'read' },
      { type: 'function', name: 'read' },
    ],
  ])('%j', (choice, expected) => {
    expect(sent({ tools: [read], tool_choice: choice }).body.tool_choice).toEqual(expected)
  })
  test('no tools: omitted', () => {
    expect(sent({ tool_choice: { type: 'auto' } }).body).not.toHaveProperty('tool_choice')
    expect(sent({ tools: [read] }).body).not.toHaveProperty('tool_choice')
  })
})

test('`disable_parallel_tool_use`: `parallel_tool_calls:false`', () => {
  const off = { tools: [read], tool_choice: { type: 'auto', disable_parallel_tool_use: true } }
  expect(sent(off).body.parallel_tool_calls).toBe(false)
  expect(sent({ tools: [read] }).body).not.toHaveProperty('parallel_tool_calls')
})

describe('`max_tokens`', () => {
  test('clamped to the model cap, and recorded', () => {
    const { body, notes } = sent({ max_tokens: 128_000 }, { maxOutputTokens: 32_000 })
    expect(body.max_output_tokens).toBe(32_000)
    expect(notes).toContainEqual({ what: 'max_tokens', how: 'clamped' })
    expect(sent({ max_tokens: 128_000 })).toMatchObject({ body: { max_output_tokens: 128_000 }, notes: [] })
  })
  test('raised to the 16 that the API wants at least (clients ask for one token as a check)', () => {
    expect(sent({ max_tokens: 1 })).toMatchObject({
      body: { max_output_tokens: 16 },
      notes: [{ what: 'max_tokens', how: 'clamped' }],
    })
  })
})

describe('`temperature`, `top_p`, `top_k`', () => {
  const wanted = { temperature: 0.5, top_p: 0.9, top_k: 3 }
  test('dropped for OpenAI reasoning models unless effort is `none`', () => {
    const { body, notes } = sent(wanted, { reasoning: true })
    for (const what of ['temperature', 'top_p', 'top_k']) {
      expect(body).not.toHaveProperty(what)
      expect(notes).toContainEqual({ what, how: 'dropped' })
    }
    const off = { ...wanted, thinking: { type: 'disabled' } }
    expect(sent(off).body).toMatchObject({ temperature: 0.5, top_p: 0.9, reasoning: { effort: 'none' } })
    expect(sent(off, { efforts: ['low', 'high'] }).body).not.toHaveProperty('temperature')
  })
  test('kept for models that do not reason, clamped to the range; `top_k` never', () => {
    const { body, notes } = sent({ ...wanted, temperature: 3 }, { reasoning: false })
    expect(body).toMatchObject({ temperature: 2, top_p: 0.9 })
    expect(body).not.toHaveProperty('top_k')
    expect(notes).toContainEqual({ what: 'temperature', how: 'clamped' })
  })
})

test('`stop_sequences`: not sent, for the API takes none; the gateway enforces them', () => {
  const { body, notes } = sent({ stop_sequences: ['a', 'b', 'c', 'd', 'e'] })
  expect(body).not.toHaveProperty('stop')
  expect(notes).toEqual([{ what: 'stop_sequences', how: 'converted' }])
})

describe('`thinking`, `output_config.effort`', () => {
  const effort = (body: object, facts = {}) => sent(body, facts).body.reasoning?.effort
  const enabled = (budget: number) => ({ thinking: { type: 'enabled', budget_tokens: budget } })
  test('disabled: none, or the lowest, also where an effort is named', () => {
    expect(effort({ thinking: { type: 'disabled' }, output_config: { effort: 'high' } })).toBe('none')
    expect(effort({ thinking: { type: 'disabled' } }, { efforts: ['high', 'minimal'] })).toBe('minimal')
  })
  test.each([
    ['low', 'low'],
    ['xhigh', 'high'],
    ['max', 'high'],
  ])('effort %s: the same word, clamped to what the model accepts', (word, expected) => {
    expect(effort({ output_config: { effort: word } }, { efforts: ['low', 'medium', 'high'] })).toBe(expected)
  })
  test.each([
    [4096, 'low'],
    [16_384, 'medium'],
    [16_385, 'high'],
  ])('a budget of %i: %s', (budget, expected) => {
    expect(effort(enabled(budget))).toBe(expected)
  })
  test('`adaptive` without effort: the provider’s default', () => {
    expect(sent({ thinking: { type: 'adaptive' } }).body).not.toHaveProperty('reasoning')
  })
  test('a summary only where thoughts are asked for, since not every organisation may have one', () => {
    const shown = { type: 'adaptive', display: 'summarized' }
    expect(sent({ thinking: shown }).body.reasoning).toEqual({ summary: 'auto' })
    expect(sent({ thinking: shown }, { reasoning: false }).body).not.toHaveProperty('reasoning')
    expect(sent(enabled(4096)).body.reasoning).toEqual({ effort: 'low', summary: 'auto' })
    for (const thinking of [{ ...enabled(4096).thinking, display: 'omitted' }, { type: 'adaptive' }])
      expect(sent({ thinking }).body.reasoning ?? {}).not.toHaveProperty('summary')
    expect(sent({ output_config: { effort: 'low' } }).body.reasoning).toEqual({ effort: 'low' })
    expect(sent({}).body).not.toHaveProperty('reasoning')
  })
  test('never to a model without it', () => {
    const { body, notes } = sent({ ...enabled(9000) }, { reasoning: false })
    expect(body).not.toHaveProperty('reasoning')
    expect(notes).toContainEqual({ what: 'effort', how: 'dropped' })
    expect(effort({ output_config: { effort: 'low' } }, { efforts: [] })).toBeUndefined()
    expect(sent({ thinking: { type: 'disabled' } }, { reasoning: false }).notes).toEqual([])
    // Open models take a word, and none of OpenAI's own.
    const open = sent({ output_config: { effort: 'max' } }, { reasoning: false, efforts: ['low', 'high'] }).body
    expect(open.reasoning).toEqual({ effort: 'high' })
    expect(open).not.toHaveProperty('include')
  })
})

describe('`output_config.format` json_schema', () => {
  const schema = { $schema: 'x', type: 'object', properties: { title: { type: 'string' } } }
  const format = { type: 'json_schema', schema }
  const { $schema: _removed, ...clean } = schema
  test('`text.format` with a name', () => {
    const expected = { format: { type: 'json_schema', name: 'answer', schema: clean, strict: false } }
    expect(sent({ output_config: { format } }).body.text).toEqual(expected)
    expect(sent({ output_format: format }).body.text).toEqual(expected)
  })
  test('strict where the schema allows it', () => {
    const strict = { ...clean, required: ['title'], additionalProperties: false }
    expect(sent({ output_config: { format: { ...format, schema: strict } } }).body.text.format.strict).toBe(true)
  })
  test('or `json_object` plus the schema in the prompt', () => {
    const { body, notes } = sent({ system: 'You', output_config: { format } }, { jsonSchema: false })
    expect(body.text).toEqual({ format: { type: 'json_object' } })
    expect(body.instructions).toBe('You')
    expect(body.input[0].content[0].text).toContain(JSON.stringify(clean))
    expect(notes).toContainEqual({ what: 'output_config.format', how: 'converted' })
  })
  test('another kind: 400', () => {
    expect(() => sent({ output_config: { format: { type: 'grammar' } } })).toThrow('json_schema')
  })
})

test('`metadata.user_id`: keyed hash as `safety_identifier`, never raw', () => {
  const body = { metadata: { user_id: 'device-secret' } }
  const hashed = sent(body)
  expect(hashed.body.safety_identifier).toBe('h4sh')
  expect(JSON.stringify(hashed.body)).not.toContain('device-secret')
  expect(hashed.notes).toContainEqual({ what: 'metadata.user_id', how: 'converted' })
  expect(sent(body, {}, null)).toMatchObject({ notes: [{ what: 'metadata.user_id', how: 'dropped' }] })
  expect(sent(body, {}, null).body).not.toHaveProperty('safety_identifier')
})

describe('`service_tier`, `speed`, `inference_geo`, `context_management`, `container`, `fallbacks`, `safeguards`', () => {
  test.each(
    Object.entries(fieldFates)
      .filter(([name, { fate }]) => fate === 'dropped' && name !== 'cache_control' && name !== 'top_k')
      .map(([name]) => name),
  )('%s: dropped, recorded', (name) => {
    const { body, notes } = sent({ [name]: { a: 1 } })
    expect(body).not.toHaveProperty(name)
    expect(notes).toContainEqual({ what: name, how: 'dropped' })
  })
  test('`container`: 400', () => {
    expect(() => sent({ container: 'c' })).toThrow('container')
  })
  test('an unknown field is dropped and recorded', () => {
    const { body, notes } = sent({ brand_new: 1 })
    expect(JSON.stringify(body)).not.toContain('brand_new')
    expect(notes).toContainEqual({ what: 'other_field', how: 'dropped' })
  })
})

test('`stream`: real streaming', () => {
  expect(sent({ stream: true }).body.stream).toBe(true)
  expect(sent({ stream: false }).body).not.toHaveProperty('stream')
})

test('the table of blocks says what the translation does', () => {
  for (const [type, { fate }] of Object.entries(blockFates)) {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type }, { type: 'text', text: 'b' }] },
      { role: 'user', content: 'c' },
    ]
    if (fate === 'dropped')
      expect(sent({ messages }).notes, type).toContainEqual({ what: `block:${type}`, how: 'dropped' })
    if (fate === 'refused') expect(() => sent({ messages }), type).toThrow(type)
  }
})

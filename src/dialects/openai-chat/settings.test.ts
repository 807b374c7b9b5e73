import { describe, expect, test } from 'vitest'
import { sent } from '../../../test/support/openai-chat.ts'
import { fieldFates } from './fates.ts'
import { chatQuirks } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, ollama, compatible } = chatQuirks
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const tool = (name: string, more: object = {}) => ({ name, input_schema: schema, ...more })
const names = (body: { tools: { function: { name: string } }[] }) => body.tools.map(({ function: { name } }) => name)

describe('Tool schemas', () => {
  test('`function {name, description, parameters}` without what chat completions has no word for', () => {
    const own = {
      strict: true,
      eager_input_streaming: true,
      cache_control: { type: 'ephemeral' },
      defer_loading: false,
    }
    const { body, notes } = sent(openai, {
      tools: [{ name: 'a', description: 'd', input_schema: { $schema: 'draft', ...schema }, ...own }],
    })
    expect(body.tools).toEqual([{ type: 'function', function: { name: 'a', description: 'd', parameters: schema } }])
    expect(notes.map(({ what }) => what)).toEqual(['cache_control', 'tools.strict', 'tools.eager_input_streaming'])
  })
  test('no `input_schema`: an empty object', () => {
    const { body } = sent(groq, { tools: [{ name: 'a' }] })
    expect(body.tools[0].function.parameters).toEqual({ type: 'object', properties: {} })
  })
  test('xai: `additionalProperties:false` removed at every depth, a property of that name kept', () => {
    const closed = { type: 'object', additionalProperties: false }
    const input = {
      ...closed,
      properties: { b: { ...closed, properties: {} }, additionalProperties: { type: 'string' } },
    }
    const { body } = sent(xai, { tools: [{ name: 'a', input_schema: input }] })
    expect(body.tools[0].function.parameters).toEqual({
      type: 'object',
      properties: { b: { type: 'object', properties: {} }, additionalProperties: { type: 'string' } },
    })
    expect(sent(openai, { tools: [{ name: 'a', input_schema: input }] }).body.tools[0].function.parameters).toEqual(
      input,
    )
  })
})

describe('`defer_loading` tools and their placeholder', () => {
  const search = { type: 'tool_search_tool_regex_20251119', name: 'tool_search_tool_regex' }
  test('field and placeholder are dropped, only tools whose `tool_reference` occurred are sent', () => {
    const { body, notes } = sent(openai, {
      tools: [search, tool('a', { defer_loading: true }), tool('b', { defer_loading: true }), tool('c')],
      messages: [{ role: 'user', content: [{ type: 'tool_reference', tool_name: 'b' }] }],
    })
    expect(names(body)).toEqual(['b', 'c'])
    expect(JSON.stringify(body)).not.toContain('defer')
    expect(notes).toContainEqual({ what: 'tool:deferred', how: 'dropped' })
    expect(notes).toContainEqual({ what: 'tool:tool_search_tool_regex', how: 'dropped' })
  })
})

describe('Server tools (`web_search_…`, `code_execution_…`, `mcp_servers`)', () => {
  const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 5 }
  test('dropped with a recorded warning', () => {
    const { body, notes } = sent(openai, {
      tools: [search, tool('a')],
      mcp_servers: [{ type: 'url', url: 'https://x' }],
    })
    expect(names(body)).toEqual(['a'])
    expect(JSON.stringify(body)).not.toContain('https://x')
    expect(notes).toContainEqual({ what: 'tool:web_search', how: 'dropped' })
    expect(notes).toContainEqual({ what: 'mcp_servers', how: 'dropped' })
  })
  test('400 if `tool_choice` forces it', () => {
    expect(() => sent(openai, { tools: [search], tool_choice: { type: 'tool', name: 'web_search' } })).toThrow(
      'web_search',
    )
    expect(() => sent(openai, { tools: [search], tool_choice: { type: 'any' } })).toThrow('tool_choice')
  })
})

test('Tool names over 64 characters or with other characters: a reversible short name, the same in every turn', () => {
  const long = `mcp__${'server'.repeat(12)}__do.it`
  const body = {
    tools: [tool(long)],
    tool_choice: { type: 'tool', name: long },
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: long, input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] },
    ],
  }
  const first = sent(openai, body)
  const short = first.body.tools[0].function.name
  expect(short).toMatch(/^[\w-]{1,64}$/)
  expect(first.body.tool_choice.function.name).toBe(short)
  expect(first.body.messages[1].tool_calls[0].function.name).toBe(short)
  expect(first.toolNames.get(short)).toBe(long)
  expect(sent(openai, body).body).toEqual(first.body)
})

test('More than 100 messages, 50 or 128 tools: no local limit', () => {
  const { body } = sent(openai, {
    messages: Array.from({ length: 300 }, (_, at) => ({
      role: at % 2 === 0 ? 'user' : 'assistant',
      content: `m${at}`,
    })),
    tools: Array.from({ length: 200 }, (_, at) => tool(`t${at}`)),
  })
  expect(body.messages).toHaveLength(300)
  expect(body.tools).toHaveLength(200)
})

describe('`tool_choice`', () => {
  const tools = [tool('a'), tool('b')]
  test.each([
    ['auto', { type: 'auto' }, 'auto'],
    ['any', { type: 'any' }, 'required'],
    ['none', { type: 'none' }, 'none'],
    ['tool', { type: 'tool', name: 'b' }, { type: 'function', function: { name: 'b' } }],
  ])('%s', (_name, choice, expected) => {
    expect(sent(openai, { tools, tool_choice: choice }).body.tool_choice).toEqual(expected)
  })
  test('mistral: `any`, and one tool is `any` with a filtered list', () => {
    expect(sent(mistral, { tools, tool_choice: { type: 'any' } }).body.tool_choice).toBe('any')
    const { body } = sent(mistral, { tools, tool_choice: { type: 'tool', name: 'b' } })
    expect(body.tool_choice).toBe('any')
    expect(names(body)).toEqual(['b'])
  })
  test('no tools: omitted', () => {
    expect(sent(openai, { tool_choice: { type: 'auto' } }).body).not.toHaveProperty('tool_choice')
  })
})

test('`disable_parallel_tool_use`: `parallel_tool_calls:false`', () => {
  const body = { tools: [tool('a')], tool_choice: { type: 'auto', disable_parallel_tool_use: true } }
  expect(sent(groq, body).body.parallel_tool_calls).toBe(false)
  const dropped = sent(deepseek, body)
  expect(dropped.body).not.toHaveProperty('parallel_tool_calls')
  expect(dropped.notes).toContainEqual({ what: 'tool_choice.disable_parallel_tool_use', how: 'dropped' })
})

describe('`max_tokens`', () => {
  test('OpenAI o-series and gpt-5+: `max_completion_tokens`; xai too; others `max_tokens`', () => {
    expect(sent(openai, {}, { reasoning: true }).body.max_completion_tokens).toBe(100)
    expect(sent(openai, {}, { reasoning: false }).body).toMatchObject({ max_tokens: 100 })
    expect(sent(openai, {}, { reasoning: false }).body).not.toHaveProperty('max_completion_tokens')
    expect(sent(xai, {}).body.max_completion_tokens).toBe(100)
    for (const quirks of [groq, mistral, deepseek, openrouter, ollama, compatible])
      expect(sent(quirks, {}).body).toMatchObject({ max_tokens: 100 })
  })
  test('clamped to the model cap, and recorded', () => {
    const { body, notes } = sent(groq, { max_tokens: 64_000 }, { maxOutputTokens: 8192 })
    expect(body.max_tokens).toBe(8192)
    expect(notes).toContainEqual({ what: 'max_tokens', how: 'clamped' })
  })
})

describe('`temperature`, `top_p`, `top_k`', () => {
  const body = { temperature: 1, top_p: 0.9, top_k: 5 }
  test('dropped for OpenAI reasoning models unless effort is `none`', () => {
    const { body: out, notes } = sent(openai, body, { reasoning: true })
    expect(out).not.toHaveProperty('temperature')
    expect(out).not.toHaveProperty('top_p')
    expect(notes.map(({ what }) => what)).toEqual(['temperature', 'top_p', 'top_k'])
    const off = { ...body, thinking: { type: 'disabled' } }
    expect(sent(openai, off, { reasoning: true, efforts: ['none', 'low'] }).body).toMatchObject({
      temperature: 1,
      top_p: 0.9,
    })
    expect(sent(openai, body, { reasoning: false }).body).toMatchObject({ temperature: 1, top_p: 0.9 })
  })
  test('`top_k` only to openrouter', () => {
    expect(sent(openrouter, body).body.top_k).toBe(5)
    for (const quirks of [openai, groq, mistral, xai, deepseek, ollama, compatible])
      expect(sent(quirks, body).body).not.toHaveProperty('top_k')
  })
  test('temperature clamped to the range', () => {
    expect(sent(mistral, { temperature: 2 }).body.temperature).toBe(1.5)
  })
})

describe('`stop_sequences`', () => {
  test('`stop`', () => {
    expect(sent(openai, { stop_sequences: ['a', 'b'] }).body.stop).toEqual(['a', 'b'])
  })
  test('extra ones: 400; none on o3 and o4-mini, nor on xai', () => {
    expect(() => sent(openai, { stop_sequences: ['1', '2', '3', '4', '5'] })).toThrow('stop_sequences')
    expect(() => sent(openai, { stop_sequences: ['1'] }, { stopSequences: 0 })).toThrow('stop_sequences')
    expect(() => sent(xai, { stop_sequences: ['1'] })).toThrow('stop_sequences')
  })
})

describe('`thinking`, `output_config.effort`', () => {
  const efforts = ['none', 'low', 'medium', 'high']
  const effort = (body: object, accepted = efforts) => sent(openai, body, { efforts: accepted }).body.reasoning_effort
  test('disabled: none, or the lowest, also where an effort is named', () => {
    const off = { thinking: { type: 'disabled' }, output_config: { effort: 'high' } }
    expect(effort(off)).toBe('none')
    expect(effort(off, ['minimal', 'low'])).toBe('minimal')
  })
  test.each(['low', 'medium', 'high'])('effort %s: the same word', (word) => {
    expect(effort({ thinking: { type: 'adaptive' }, output_config: { effort: word } })).toBe(word)
  })
  test.each(['xhigh', 'max'])('%s: the highest the model accepts', (word) => {
    expect(effort({ output_config: { effort: word } })).toBe('high')
    expect(effort({ output_config: { effort: word } }, ['none', 'default'])).toBe('default')
  })
  test('low where there is only none and high is not off', () => {
    expect(effort({ output_config: { effort: 'low' } }, ['none', 'high'])).toBe('high')
  })
  test.each([
    [4096, 'low'],
    [4097, 'medium'],
    [16_384, 'medium'],
    [16_385, 'high'],
  ])('budget %i: %s', (budget, word) => {
    expect(effort({ thinking: { type: 'enabled', budget_tokens: budget } })).toBe(word)
  })
  test('`adaptive` without effort: the provider’s default', () => {
    expect(effort({ thinking: { type: 'adaptive' } })).toBeUndefined()
  })
  test('never to a model without it', () => {
    for (const body of [{ thinking: { type: 'disabled' } }, { output_config: { effort: 'high' } }])
      expect(effort(body, [])).toBeUndefined()
    expect(sent(groq, { output_config: { effort: 'high' } }).notes).toContainEqual({ what: 'effort', how: 'dropped' })
  })
  test('openrouter: `reasoning {effort|max_tokens}`', () => {
    expect(sent(openrouter, { output_config: { effort: 'max' } }).body.reasoning).toEqual({ effort: 'xhigh' })
    expect(sent(openrouter, { thinking: { type: 'enabled', budget_tokens: 5000 } }).body.reasoning).toEqual({
      max_tokens: 5000,
    })
    expect(sent(openrouter, { thinking: { type: 'disabled' } }).body.reasoning).toEqual({ effort: 'none' })
  })
  test('deepseek switches by `thinking`', () => {
    expect(sent(deepseek, { thinking: { type: 'disabled' } }).body.thinking).toEqual({ type: 'disabled' })
    expect(sent(deepseek, { thinking: { type: 'enabled', budget_tokens: 9 } }).body.thinking).toEqual({
      type: 'enabled',
    })
  })
})

describe('`output_config.format` json_schema', () => {
  const config = (format: object) => ({ output_config: { format: { type: 'json_schema', schema: format } } })
  test('`response_format json_schema` with a name', () => {
    expect(sent(openai, config(schema)).body.response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema },
    })
  })
  test('strict where the schema allows it', () => {
    const strict = { ...schema, required: ['a'], additionalProperties: false }
    expect(sent(openai, config(strict)).body.response_format.json_schema.strict).toBe(true)
  })
  test('or `json_object` plus the schema in the prompt', () => {
    const { body, notes } = sent(deepseek, { system: 'You.', ...config(schema) })
    expect(body.response_format).toEqual({ type: 'json_object' })
    expect(JSON.stringify(body.messages[0].content)).toContain(JSON.stringify(JSON.stringify(schema)).slice(1, -1))
    expect(notes).toContainEqual({ what: 'output_config.format', how: 'converted' })
    expect(sent(groq, config(schema), { jsonSchema: false }).body.response_format).toEqual({ type: 'json_object' })
  })
})

describe('`metadata.user_id`', () => {
  const metadata = { user_id: '{"device_id":"d","account_uuid":"u"}' }
  test('keyed hash where supported; never raw', () => {
    expect(sent(openai, { metadata }).body.safety_identifier).toBe('h4sh')
    expect(sent(groq, { metadata }).body.user).toBe('h4sh')
    for (const quirks of Object.values(chatQuirks))
      expect(JSON.stringify(sent(quirks, { metadata }).body)).not.toContain('device_id')
    expect(sent(mistral, { metadata }).notes).toContainEqual({ what: 'metadata.user_id', how: 'dropped' })
  })
})

describe('`service_tier`, `speed`, `inference_geo`, `context_management`, `container`, `fallbacks`, `safeguards`', () => {
  const dropped = Object.keys(fieldFates).filter((field) => fieldFates[field]?.fate === 'dropped' && field !== 'top_k')
  test.each(dropped)('%s is dropped and recorded', (field) => {
    const { body, notes } = sent(openai, { [field]: 'x' })
    expect(body).not.toHaveProperty(field)
    expect(notes).toContainEqual({ what: field, how: 'dropped' })
  })
  test('`container`: 400', () => {
    expect(() => sent(openai, { container: 'c' })).toThrow('container')
  })
  test('an unknown field is dropped and recorded', () => {
    const { body, notes } = sent(openai, { hologram: 1 })
    expect(body).not.toHaveProperty('hologram')
    expect(notes).toContainEqual({ what: 'other_field', how: 'dropped' })
  })
})

describe('`stream`', () => {
  test('`stream_options.include_usage:true` where accepted (not mistral)', () => {
    for (const quirks of [openai, groq, xai, deepseek, openrouter, ollama, compatible])
      expect(sent(quirks, { stream: true }).body).toMatchObject({
        stream: true,
        stream_options: { include_usage: true },
      })
    expect(sent(mistral, { stream: true }).body).toMatchObject({ stream: true })
    expect(sent(mistral, { stream: true }).body).not.toHaveProperty('stream_options')
    expect(sent(openai, {}).body).not.toHaveProperty('stream')
  })
})

test('the path under the base address is said once', () => {
  expect(sent(openai, {}).path).toBe('/chat/completions')
  expect(sent(ollama, {}).path).toBe('/v1/chat/completions')
})

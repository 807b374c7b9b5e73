import { isJson, type Json } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { offeredTools } from '../shared/offered-tools.ts'
import type { Scope } from './scope.ts'

/** The fields `tools`, `tool_choice` and `parallel_tool_calls`, as far as there are any tools. */
export function toolFields(scope: Scope): Record<string, unknown> {
  const choice = scope.request.fields.tool_choice
  const tools = offeredTools(scope)
  if (tools.length === 0) return {}
  const { quirks, notes } = scope
  const wanted = isJson(choice) ? choice : {}
  const one = wanted.type === 'tool' ? String(wanted.name) : null
  const sent = one !== null && quirks.toolChoice.one === 'filtered' ? tools.filter(({ name }) => name === one) : tools
  if (wanted.disable_parallel_tool_use === true && !quirks.parallelSwitch)
    notes.add('tool_choice.disable_parallel_tool_use', 'dropped')
  return {
    tools: sent.map((tool) => toFunction(scope, tool)),
    ...toolChoice(scope, wanted, one),
    ...(wanted.disable_parallel_tool_use === true && quirks.parallelSwitch && { parallel_tool_calls: false }),
  }
}

function toolChoice({ quirks, names }: Scope, wanted: Json, one: string | null): Record<string, unknown> {
  switch (wanted.type) {
    case 'auto':
    case 'none':
      return { tool_choice: wanted.type }
    case 'any':
      return { tool_choice: quirks.toolChoice.any }
    case 'tool':
      if (quirks.toolChoice.one === 'filtered') return { tool_choice: quirks.toolChoice.any }
      return { tool_choice: { type: 'function', function: { name: names.toProvider(one ?? '') } } }
    default:
      return {}
  }
}

/** Fields of a tool that chat completions has no word for. */
const toolOnly = ['cache_control', 'strict', 'eager_input_streaming', 'input_examples', 'allowed_callers'] as const

function toFunction(scope: Scope, tool: Json): Record<string, unknown> {
  if (typeof tool.name !== 'string' || tool.name === '') throw refuse('tools', 'a tool has no name')
  for (const field of toolOnly)
    if (tool[field] !== undefined && tool[field] !== null)
      scope.notes.add(field === 'cache_control' ? field : `tools.${field}`, 'dropped')
  return {
    type: 'function',
    function: {
      name: scope.names.toProvider(tool.name),
      ...(typeof tool.description === 'string' && { description: tool.description }),
      parameters: parametersOf(scope, tool.input_schema),
    },
  }
}

/** A tool's schema as the provider takes it. */
export function parametersOf(scope: Scope, schema: unknown): unknown {
  if (!isJson(schema) || Object.keys(schema).length === 0) return { type: 'object', properties: {} }
  const { $schema: _dialect, ...rest } = schema
  return scope.quirks.openSchemas ? withoutClosed(rest) : rest
}

/** Removes `additionalProperties: false` at every depth; a property of that name is an object, and stays. */
function withoutClosed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutClosed)
  if (!isJson(schema)) return schema
  const entries = Object.entries(schema).filter(([name, value]) => name !== 'additionalProperties' || value !== false)
  return Object.fromEntries(entries.map(([name, value]) => [name, withoutClosed(value)]))
}

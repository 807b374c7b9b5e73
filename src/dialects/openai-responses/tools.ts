import { isJson, type Json } from '../../core/messages.ts'
import { refuse } from '../shared/notes.ts'
import { offeredTools } from '../shared/offered-tools.ts'
import { isStrictSchema } from '../shared/strict-schema.ts'
import { noteCacheMark, type Scope } from './scope.ts'

/** The fields `tools`, `tool_choice` and `parallel_tool_calls`, as far as there are any tools. */
export function toolFields(scope: Scope): Record<string, unknown> {
  const choice = scope.request.fields.tool_choice
  const tools = offeredTools(scope)
  if (tools.length === 0) return {}
  const wanted = isJson(choice) ? choice : {}
  return {
    tools: tools.map((tool) => toFunction(scope, tool)),
    ...toolChoice(scope, wanted),
    ...(wanted.disable_parallel_tool_use === true && { parallel_tool_calls: false }),
  }
}

function toolChoice({ names }: Scope, wanted: Json): Record<string, unknown> {
  switch (wanted.type) {
    case 'auto':
    case 'none':
      return { tool_choice: wanted.type }
    case 'any':
      return { tool_choice: 'required' }
    case 'tool':
      return { tool_choice: { type: 'function', name: names.toProvider(String(wanted.name)) } }
    default:
      return {}
  }
}

/** Fields of a tool that the API has no word for. */
const toolOnly = ['eager_input_streaming', 'input_examples', 'allowed_callers'] as const

function toFunction(scope: Scope, tool: Json): Record<string, unknown> {
  if (typeof tool.name !== 'string' || tool.name === '') throw refuse('tools', 'a tool has no name')
  noteCacheMark(scope, tool)
  for (const field of toolOnly)
    if (tool[field] !== undefined && tool[field] !== null) scope.notes.add(`tools.${field}`, 'dropped')
  const parameters = parametersOf(tool.input_schema)
  const strict = tool.strict === true && isStrictSchema(parameters)
  if (tool.strict === true && !strict) scope.notes.add('tools.strict', 'dropped')
  return {
    type: 'function',
    name: scope.names.toProvider(tool.name),
    ...(typeof tool.description === 'string' && { description: tool.description }),
    parameters,
    // Left out it would mean true, and optional parameters would become required ones.
    strict,
  }
}

function parametersOf(schema: unknown): Json {
  if (!isJson(schema) || Object.keys(schema).length === 0) return { type: 'object', properties: {} }
  const { $schema: _dialect, ...rest } = schema
  return rest
}

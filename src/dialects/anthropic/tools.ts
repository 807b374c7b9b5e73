import { isJson, type Json, type MessagesRequest } from '../../core/messages.ts'
import { toolFamily } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { type Scope, takesCacheMarks } from './blocks.ts'

/** `tools` and `tool_choice`. Tools that run on Anthropic's side have no schema, and nobody to run them here. */
export function toolFields(scope: Scope, { tools, fields }: MessagesRequest): Record<string, unknown> {
  const { notes, quirks, target } = scope
  const choice = isJson(fields.tool_choice) ? fields.tool_choice : null
  const hosted = tools.filter(isHosted)
  for (const tool of hosted) notes.add(`tool:${toolFamily(tool.type)}`, 'dropped')
  if (choice?.type === 'tool' && hosted.some(({ name }) => name === choice.name))
    throw refuse('tool_choice', `${String(choice.name)} runs at Anthropic and not at ${target.provider}`)
  const own = [...tools, ...scope.added].filter((tool) => !isHosted(tool) && isThere(scope, tool, tools))
  if (own.length === 0) return {}
  const kept = own.map((tool) => toTool(scope, tool))
  if (choice === null) return { tools: kept }
  if (quirks.fields.has('tool_choice')) return { tools: kept, tool_choice: choice }
  if (choice.type !== 'auto' || choice.disable_parallel_tool_use === true) notes.add('tool_choice', 'dropped')
  return { tools: kept }
}

/** Tools of the caller's own have a schema or no type of Anthropic's. */
const isHosted = (tool: Json): boolean =>
  typeof tool.type === 'string' && tool.type !== 'custom' && !isJson(tool.input_schema)

/** A deferred tool goes along once the conversation loaded it; all of them where nothing here could load one. */
function isThere({ loaded, notes }: Scope, tool: Json, all: readonly Json[]): boolean {
  if (tool.defer_loading !== true) return true
  const hasSearch = all.some(({ type }) => typeof type === 'string' && type.startsWith('tool_search_tool'))
  const there = loaded.has(String(tool.name)) || (!hasSearch && loaded.size === 0)
  if (!there) notes.add('tool:deferred', 'dropped')
  return there
}

function toTool(scope: Scope, tool: Json): Json {
  const { name, description, input_schema: schema, cache_control: mark } = tool
  const { $schema: _dialect, ...rest } = isJson(schema) ? schema : { type: 'object', properties: {} }
  const marked = mark !== undefined && mark !== null
  if (marked && !takesCacheMarks(scope)) scope.notes.add('cache_control', 'dropped')
  return {
    name,
    ...(description !== undefined && { description }),
    input_schema: rest,
    ...(marked && takesCacheMarks(scope) && { cache_control: mark }),
  }
}

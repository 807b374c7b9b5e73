import { isJson, type Json } from '../../core/messages.ts'
import { toolFamily } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { isEmptyObject, toGeminiSchema } from './schema.ts'
import type { Scope } from './scope.ts'

/** The tools that go along, and whether Google's search does. */
export interface OfferedTools {
  readonly functions: readonly Json[]
  readonly search: boolean
}

/** Which of the request's tools are offered. The conversation must have been read: it tells which are loaded. */
export function offeredTools(scope: Scope): OfferedTools {
  const all = [...scope.request.tools, ...scope.added]
  const functions = all.filter((tool) => isOwn(tool) && isLoaded(scope, tool))
  let search = false
  for (const tool of all) {
    if (isOwn(tool)) continue
    const family = toolFamily(tool.type)
    // Google's search does not go together with functions.
    if (family === 'web_search' && scope.options.googleSearch && functions.length === 0) search = true
    else scope.notes.add(`tool:${family}`, 'dropped')
  }
  if (search) scope.notes.add('tool:web_search', 'converted')
  refuseMissing(scope, functions, search)
  return { functions, search }
}

/** The fields `tools` and `toolConfig`, as far as there are any tools. */
export function toolFields(scope: Scope, { functions, search }: OfferedTools): Record<string, unknown> {
  if (search) return { tools: [{ googleSearch: {} }] }
  if (functions.length === 0) return {}
  const choice = scope.request.fields.tool_choice
  const functionCallingConfig = isJson(choice) ? callingConfig(scope, choice) : null
  return {
    tools: [{ functionDeclarations: functions.map((tool) => toDeclaration(scope, tool)) }],
    ...(functionCallingConfig !== null && { toolConfig: { functionCallingConfig } }),
  }
}

function callingConfig({ names, notes }: Scope, choice: Json): Record<string, unknown> | null {
  if (choice.disable_parallel_tool_use === true) notes.add('tool_choice.disable_parallel_tool_use', 'dropped')
  switch (choice.type) {
    case 'auto':
      return { mode: 'AUTO' }
    case 'any':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [names.toProvider(String(choice.name))] }
    case 'none':
      return { mode: 'NONE' }
    default:
      return null
  }
}

const isOwn = (tool: Json): boolean => tool.type === undefined || tool.type === null || tool.type === 'custom'

function isLoaded(scope: Scope, tool: Json): boolean {
  if (tool.defer_loading !== true || scope.loaded.has(String(tool.name))) return true
  scope.notes.add('tool:deferred', 'dropped')
  return false
}

function refuseMissing(scope: Scope, functions: readonly Json[], search: boolean): void {
  const choice = scope.request.fields.tool_choice
  if (!isJson(choice)) return
  const { provider } = scope.target
  if (choice.type === 'any' && functions.length === 0 && !search && scope.request.tools.length > 0)
    throw refuse('tool_choice', `none of the tools can be offered by ${provider}`)
  if (choice.type === 'tool' && !functions.some(({ name }) => name === choice.name))
    throw refuse('tool_choice', `the tool "${String(choice.name)}" cannot be offered by ${provider}`)
}

/** Fields of a tool that a declaration has no word for. */
const toolOnly = ['cache_control', 'strict', 'eager_input_streaming', 'input_examples', 'allowed_callers'] as const

function toDeclaration(scope: Scope, tool: Json): Record<string, unknown> {
  if (typeof tool.name !== 'string' || tool.name === '') throw refuse('tools', 'a tool has no name')
  for (const field of toolOnly)
    if (tool[field] !== undefined && tool[field] !== null)
      scope.notes.add(field === 'cache_control' ? field : `tools.${field}`, 'dropped')
  const parameters = toGeminiSchema(tool.input_schema, {
    notes: scope.notes,
    enums: 'strings',
    root: true,
    steps: scope.schemaSteps,
  })
  return {
    name: scope.names.toProvider(tool.name),
    ...(typeof tool.description === 'string' && { description: tool.description }),
    ...(!isEmptyObject(parameters) && { parameters }),
  }
}

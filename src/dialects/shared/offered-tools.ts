/** Which tools of a request can be offered by a provider that runs none of Anthropic's. */
import { isJson, type Json, type MessagesRequest } from '../../core/messages.ts'
import { toolFamily } from './blocks.ts'
import { type Notes, refuse } from './notes.ts'

/** What must be known of a translation: the conversation is read before, for it tells which tools are loaded. */
export interface ToolScope {
  readonly request: MessagesRequest
  readonly target: { readonly provider: string }
  readonly notes: Notes
  readonly loaded: ReadonlySet<string>
  readonly added: readonly Json[]
}

const isOwn = (tool: Json): boolean => tool.type === undefined || tool.type === null || tool.type === 'custom'

/**
 * The caller's own tools: not those that run at Anthropic, nor those whose loading was put off and not asked for yet; both are
 * noted. Throws where `tool_choice` wants one that is left out.
 */
export function offeredTools(scope: ToolScope): readonly Json[] {
  const { request, target, notes, loaded, added } = scope
  const offered = [...request.tools, ...added].filter((tool) => {
    const isDeferred = tool.defer_loading === true && !loaded.has(String(tool.name))
    if (!isOwn(tool)) notes.add(`tool:${toolFamily(tool.type)}`, 'dropped')
    else if (isDeferred) notes.add('tool:deferred', 'dropped')
    return isOwn(tool) && !isDeferred
  })
  const choice = request.fields.tool_choice
  if (!isJson(choice)) return offered
  if (choice.type === 'any' && offered.length === 0 && request.tools.length > 0)
    throw refuse('tool_choice', `none of the tools can be offered by ${target.provider}`)
  if (choice.type === 'tool' && !offered.some(({ name }) => name === choice.name))
    throw refuse('tool_choice', `the tool "${String(choice.name)}" cannot be offered by ${target.provider}`)
  return offered
}

import { type Block, isJson, type RequestMessage } from '../../core/messages.ts'
import { foundTools, textOf, webSearchText } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { unpackState } from '../shared/provider-state.ts'
import { blockFates } from './fates.ts'
import { contentOf, type Part, textPart } from './parts.ts'
import { callIdFor, type Scope } from './scope.ts'

export type ChatMessage = Readonly<Record<string, unknown>> & { readonly role: string }

/** What is collected from one turn's blocks. */
interface Turn {
  readonly parts: Part[]
  readonly calls: Record<string, unknown>[]
  /** The provider's own words for what it thought, from the signatures. */
  reasoning: string | null
  readonly details: unknown[]
}

/** An assistant turn as one message, or null where nothing remains of it. */
export function toAssistantMessage(
  scope: Scope,
  turn: RequestMessage,
  index: number,
  place: { readonly afterLastUser: boolean },
): ChatMessage | null {
  const seen: Turn = { parts: [], calls: [], reasoning: null, details: [] }
  turn.content.forEach((block, at) => {
    addBlock(scope, seen, block, `messages.${index}.content.${at}`)
  })
  const { parts, calls } = seen
  const reasoning = reasoningFields(scope, seen, place.afterLastUser)
  const thought = seen.reasoning !== null || seen.details.length > 0
  if (parts.length === 0 && calls.length === 0 && !(thought && Object.keys(reasoning).length > 0)) return null
  const isLast = index === scope.request.messages.length - 1
  return {
    role: 'assistant',
    content: parts.length === 0 && calls.length > 0 ? scope.quirks.emptyContent : contentOf(scope, 'assistant', parts),
    ...reasoning,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(isLast && scope.quirks.prefixMark && calls.length === 0 && { prefix: true }),
  }
}

function addBlock(scope: Scope, seen: Turn, block: Block, path: string): void {
  switch (block.type) {
    case 'text':
      if (textOf(block) !== '') seen.parts.push(textPart(scope, textOf(block), block))
      return
    case 'tool_use':
      seen.calls.push(toolCall(scope, block, path))
      return
    case 'thinking':
      return addThinking(scope, seen, block)
    case 'compaction':
      return // Its summary stands before this turn.
    case 'web_search_tool_result': {
      const text = webSearchText(block)
      scope.notes.add(`block:${block.type}`, text === null ? 'dropped' : 'converted')
      if (text !== null) seen.parts.push(textPart(scope, text))
      return
    }
    case 'tool_search_tool_result':
      // Deferred tools that a search at Anthropic found are loaded from then on.
      for (const name of foundTools(block)) scope.loaded.add(name)
  }
  if (blockFates[block.type]?.fate !== 'dropped')
    throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks in assistant turns`)
  scope.notes.add(`block:${block.type}`, 'dropped')
}

function toolCall(scope: Scope, block: Block, path: string): Record<string, unknown> {
  const { id, name, input } = block
  if (typeof id !== 'string' || id === '') throw refuse(`${path}.id`, 'Field required')
  if (typeof name !== 'string' || name === '') throw refuse(`${path}.name`, 'Field required')
  scope.loaded.add(name)
  if (isJson(block.cache_control)) scope.notes.add('cache_control', 'dropped')
  return {
    id: callIdFor(scope.quirks, id),
    type: 'function',
    function: { name: scope.names.toProvider(name), arguments: JSON.stringify(input ?? {}) },
  }
}

/** Ours goes back as the provider wants it; what another model thought, or nobody signed, says nothing to this one. */
function addThinking(scope: Scope, seen: Turn, block: Block): void {
  const state = unpackState(scope.target.provider, block.signature)
  const { reasoningBack } = scope.quirks
  if (!isJson(state) || reasoningBack === 'none') return scope.notes.add('block:thinking', 'dropped')
  if (Array.isArray(state.details)) seen.details.push(...state.details)
  if (typeof state.text !== 'string') return
  seen.reasoning = (seen.reasoning ?? '') + state.text
  if (reasoningBack === 'thinking-parts')
    seen.parts.push({ type: 'thinking', thinking: [{ type: 'text', text: state.text }] })
}

/** The fields that carry reasoning beside the content. */
function reasoningFields(scope: Scope, seen: Turn, afterLastUser: boolean): Record<string, unknown> {
  const { reasoningBack, reasoningEveryTurnFrom } = scope.quirks
  switch (reasoningBack) {
    case 'reasoning':
      return seen.reasoning === null ? {} : { reasoning: seen.reasoning }
    case 'reasoning_details':
      if (seen.details.length > 0) return { reasoning_details: seen.details }
      return seen.reasoning === null ? {} : { reasoning: seen.reasoning }
    case 'reasoning_content': {
      // A model nothing is known of is taken for one of the newest.
      const everyTurn =
        reasoningEveryTurnFrom !== null && (scope.target.facts.generation ?? Infinity) >= reasoningEveryTurnFrom
      if (everyTurn) return { reasoning_content: seen.reasoning ?? '' }
      if (seen.reasoning === null) return {}
      if (afterLastUser) return { reasoning_content: seen.reasoning }
      scope.notes.add('block:thinking', 'dropped')
      return {}
    }
    case 'thinking-parts':
    case 'none':
      return {}
  }
}

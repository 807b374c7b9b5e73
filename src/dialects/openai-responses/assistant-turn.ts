import type { Block, Json, RequestMessage } from '../../core/messages.ts'
import { foundTools, textOf, webSearchText } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { blockFates } from './fates.ts'
import { unpackReasoning } from './reasoning-state.ts'
import { callIdFor, isReasoning, noteCacheMark, type Scope } from './scope.ts'

/** An item of the request's `input`. */
export type Item = Readonly<Record<string, unknown>> & { readonly type: string }

/** What is collected from one turn's blocks, in their order. */
interface Turn {
  readonly items: Item[]
  /** The parts of the message that is being put together; other items close it. */
  parts: Json[] | null
  /** The phase of the next message, where the provider told one. */
  phase: string | null
}

/** An assistant turn as items; none where nothing remains of it. */
export function toAssistantItems(scope: Scope, turn: RequestMessage, index: number): readonly Item[] {
  const seen: Turn = { items: [], parts: null, phase: null }
  turn.content.forEach((block, at) => {
    addBlock(scope, seen, block, `messages.${index}.content.${at}`)
  })
  // Reasoning that nothing followed (the turn was cut off) is refused without its item.
  while (seen.items.at(-1)?.type === 'reasoning') {
    seen.items.pop()
    scope.notes.add('block:thinking', 'dropped')
  }
  return seen.items
}

function addBlock(scope: Scope, seen: Turn, block: Block, path: string): void {
  noteCacheMark(scope, block)
  switch (block.type) {
    case 'text':
      return addText(seen, textOf(block))
    case 'tool_use':
      return addItem(seen, functionCall(scope, block, path))
    case 'thinking':
      return addThinking(scope, seen, block)
    case 'compaction':
      return // Its summary stands before this turn.
    case 'web_search_tool_result': {
      const text = webSearchText(block)
      scope.notes.add(`block:${block.type}`, text === null ? 'dropped' : 'converted')
      return addText(seen, text ?? '')
    }
    case 'tool_search_tool_result':
      for (const name of foundTools(block)) scope.loaded.add(name)
  }
  if (blockFates[block.type]?.fate !== 'dropped')
    throw refuse(path, `${scope.target.provider} takes no "${block.type}" blocks in assistant turns`)
  scope.notes.add(`block:${block.type}`, 'dropped')
}

function addItem(seen: Turn, item: Item): void {
  seen.parts = null
  seen.items.push(item)
}

function addText(seen: Turn, text: string): void {
  if (text === '') return
  if (seen.parts === null) {
    seen.parts = []
    const { parts: content, phase } = seen
    seen.items.push({ type: 'message', role: 'assistant', content, ...(phase !== null && { phase }) })
    seen.phase = null
  }
  seen.parts.push({ type: 'output_text', text })
}

function functionCall(scope: Scope, block: Block, path: string): Item {
  const { id, name, input } = block
  if (typeof id !== 'string' || id === '') throw refuse(`${path}.id`, 'Field required')
  if (typeof name !== 'string' || name === '') throw refuse(`${path}.name`, 'Field required')
  scope.loaded.add(name)
  return {
    type: 'function_call',
    call_id: callIdFor(id),
    name: scope.names.toProvider(name),
    arguments: JSON.stringify(input ?? {}),
  }
}

/** Its own items go back to the provider; what another model thought, or nobody signed, says nothing to this one. */
function addThinking(scope: Scope, seen: Turn, block: Block): void {
  // A model that does not reason refuses the items of one that did.
  const state = isReasoning(scope) ? unpackReasoning(scope.target.provider, block.signature) : null
  if (state === null) return scope.notes.add('block:thinking', 'dropped')
  for (const item of state.reasoning) addItem(seen, { ...item, type: 'reasoning' })
  seen.parts = null
  seen.phase = state.phase
}

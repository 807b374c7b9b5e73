import type { Block, RequestMessage } from '../../core/messages.ts'
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
  /** The phase of the messages that follow, where the provider told one. */
  phase: string | null
}

/** An assistant turn as items; none where nothing remains of it. */
export function toAssistantItems(scope: Scope, turn: RequestMessage, index: number): readonly Item[] {
  const seen: Turn = { items: [], phase: null }
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
      seen.items.push(functionCall(scope, block, path))
      seen.phase = null
      return
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

/** A message for each block: the published shape takes no parts from the model but those it stored itself. */
function addText({ items, phase }: Turn, text: string): void {
  if (text === '') return
  items.push({ type: 'message', role: 'assistant', content: text, ...(phase !== null && { phase }) })
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
  for (const item of state.reasoning) seen.items.push({ ...item, type: 'reasoning' })
  seen.phase = state.phase
}

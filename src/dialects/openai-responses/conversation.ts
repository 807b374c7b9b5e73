import type { Block, RequestMessage } from '../../core/messages.ts'
import { isAttribution, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { beginOf, isResult, resultsOfCalls, resultWithoutCall, summaryIn } from '../shared/turns.ts'
import { type Item, toAssistantItems } from './assistant-turn.ts'
import { inputText, type Part, partsOf } from './parts.ts'
import { callIdFor, isReasoning, noteCacheMark, type Scope } from './scope.ts'
import { toOutput } from './tool-result.ts'

/** The system prompt and the conversation. */
export interface Conversation {
  readonly instructions: string | null
  readonly input: readonly Item[]
}

export function toConversation(scope: Scope, schemaPrompt: string | null): Conversation {
  const input: Item[] = []
  const system = systemParts(scope, scope.request.system, 'system')
  // Instructions are one text; several blocks keep their edges as the parts of a message.
  const [only] = system
  const instructions = system.length === 1 && only !== undefined ? String(only.text) : null
  if (system.length > 1) input.push(message(systemRole(scope), system))
  if (schemaPrompt !== null) input.push(message(systemRole(scope), [inputText(schemaPrompt)]))
  const turns = scope.request.messages
  const answered = new Set<Block>()
  for (let index = beginOf(turns); index < turns.length; index += 1) {
    const turn = turns[index] as RequestMessage // in range by the loop's bound
    if (turn.role === 'assistant') {
      input.push(...summaryOf(scope, turn), ...toAssistantItems(scope, turn, index))
      input.push(...outputsOf(scope, index, answered))
    } else if (turn.role === 'user') input.push(...userItems(scope, turn, index, answered))
    else {
      // An instruction in the middle stays in its place: moved to the top it would break the prompt cache, and the sense.
      const parts = systemParts(scope, turn.content, `messages.${index}.content`)
      if (parts.length > 0) input.push(message(systemRole(scope), parts))
    }
  }
  return { instructions, input }
}

const message = (role: string, content: readonly Part[]): Item => ({ type: 'message', role, content })

const systemRole = (scope: Scope): string => (isReasoning(scope) ? 'developer' : 'system')

function systemParts(scope: Scope, blocks: readonly Block[], path: string): readonly Part[] {
  return blocks.flatMap((block, index) => {
    if (block.type === 'tool_addition' || block.type === 'tool_removal' || block.type === 'tool_reference')
      return partsOf(scope, block, `${path}.${index}`)
    if (block.type !== 'text') throw refuse(`${path}.${index}`, `"${block.type}" blocks cannot instruct a model`)
    noteCacheMark(scope, block)
    const text = textOf(block)
    if (isAttribution(text)) scope.notes.add('system:attribution', 'dropped')
    return text === '' || isAttribution(text) ? [] : [inputText(text)]
  })
}

function userItems(scope: Scope, turn: RequestMessage, index: number, answered: ReadonlySet<Block>): readonly Item[] {
  let hadResults = false
  const parts = turn.content.flatMap((block, at) => {
    const path = `messages.${index}.content.${at}`
    if (!isResult(block)) return partsOf(scope, block, path)
    if (!answered.has(block)) throw resultWithoutCall(block, path)
    hadResults = true
    return []
  })
  if (parts.length > 0) return [message('user', parts)]
  return hadResults ? [] : [{ type: 'message', role: 'user', content: '' }]
}

/**
 * The outputs of an assistant turn's calls, one for each and directly behind it; whatever else stood in the same turns of
 * the user follows them.
 */
const outputsOf = (scope: Scope, index: number, answered: Set<Block>): readonly Item[] =>
  resultsOfCalls(scope.request.messages, index).map(({ callId, block, path }) => {
    answered.add(block)
    return { type: 'function_call_output', call_id: callIdFor(callId), output: toOutput(scope, block, path) }
  })

function summaryOf(scope: Scope, turn: RequestMessage): readonly Item[] {
  const summary = summaryIn(turn)
  if (summary === null) return []
  scope.notes.add('block:compaction', 'converted')
  return [message('user', [inputText(summary)])]
}

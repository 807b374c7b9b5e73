import type { Block, RequestMessage } from '../../core/messages.ts'
import { isAttribution, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { beginOf, isResult, resultsOfCalls, resultWithoutCall, summaryIn } from '../shared/turns.ts'
import { type ChatMessage, toAssistantMessage } from './assistant-turn.ts'
import { contentOf, type Part, partsOf, textPart } from './parts.ts'
import { callIdFor, type Scope } from './scope.ts'
import { toResult } from './tool-result.ts'

/** Claude's way to tell a model something that the user did not say. */
const reminder = (text: string): string => `<system-reminder>\n${text}\n</system-reminder>`

/** What stands between a tool's result and the user's next words where a provider insists on a turn of the model. */
const bridge: ChatMessage = { role: 'assistant', content: 'OK.' }

/** The system prompt and the conversation as chat messages. */
export function toChatMessages(scope: Scope, schemaPrompt: string | null): ChatMessage[] {
  const chat: ChatMessage[] = []
  const system = systemParts(scope, scope.request.system, 'system')
  if (schemaPrompt !== null) system.push({ type: 'text', text: schemaPrompt })
  if (system.length > 0) chat.push({ role: systemRole(scope), content: contentOf(scope, 'system', system) })
  const turns = scope.request.messages
  const attached = new Map<number, Part[]>()
  const answered = new Set<Block>()
  const lastUser = turns.findLastIndex(({ role, content }) => role === 'user' && !content.some(isResult))
  for (let index = beginOf(turns); index < turns.length; index += 1) {
    const turn = turns[index] as RequestMessage // in range by the loop's bound
    if (turn.role === 'assistant') {
      for (const message of summaryOf(scope, turn)) chat.push(message)
      const message = toAssistantMessage(scope, turn, index, { afterLastUser: index > lastUser })
      if (message !== null) chat.push(message)
      for (const result of resultsOf(scope, index, attached, answered)) chat.push(result)
    } else if (turn.role === 'user') {
      pushUser(scope, chat, turn, index, attached.get(index) ?? [], answered)
    } else pushSystem(scope, chat, turn, index)
  }
  return scope.quirks.assistantAfterTool ? withBridges(scope, chat) : chat
}

const systemRole = ({ quirks, target }: Scope): string =>
  quirks.developerRole && target.facts.reasoning !== false ? 'developer' : 'system'

function systemParts(scope: Scope, blocks: readonly Block[], path: string): Part[] {
  const parts: Part[] = []
  blocks.forEach((block, index) => {
    if (block.type === 'tool_addition' || block.type === 'tool_removal' || block.type === 'tool_reference') {
      parts.push(...partsOf(scope, block, `${path}.${index}`))
      return
    }
    if (block.type !== 'text') throw refuse(`${path}.${index}`, `"${block.type}" blocks cannot instruct a model`)
    const text = textOf(block)
    if (isAttribution(text)) scope.notes.add('system:attribution', 'dropped')
    else if (text !== '') parts.push(textPart(scope, text, block))
  })
  return parts
}

/** An instruction in the middle stays in its place: moved to the top it would break the prompt cache, and the sense. */
function pushSystem(scope: Scope, chat: ChatMessage[], turn: RequestMessage, index: number): void {
  const parts = systemParts(scope, turn.content, `messages.${index}.content`)
  if (parts.length === 0) return
  if (scope.quirks.systemInPlace) {
    chat.push({ role: systemRole(scope), content: contentOf(scope, 'system', parts) })
    return
  }
  scope.notes.add('system:in_place', 'converted')
  const wrapped = parts.map((part) => ({ ...part, text: reminder(String(part.text)) }))
  chat.push({ role: 'user', content: contentOf(scope, 'user', wrapped) })
}

function pushUser(
  scope: Scope,
  chat: ChatMessage[],
  turn: RequestMessage,
  index: number,
  attachments: readonly Part[],
  answered: ReadonlySet<Block>,
): void {
  const parts: Part[] = [...attachments]
  let hadResults = false
  turn.content.forEach((block, at) => {
    const path = `messages.${index}.content.${at}`
    if (!isResult(block)) parts.push(...partsOf(scope, block, path))
    else if (answered.has(block)) hadResults = true
    else throw resultWithoutCall(block, path)
  })
  if (parts.length > 0 || !hadResults) chat.push({ role: 'user', content: contentOf(scope, 'user', parts) })
}

/**
 * The results of an assistant turn's calls, one message each and directly behind it, as the format demands; whatever
 * else stood in the same turns of the user follows them. Images and files cannot be in a tool message: they are `attached`.
 */
function resultsOf(scope: Scope, index: number, attached: Map<number, Part[]>, answered: Set<Block>): ChatMessage[] {
  return resultsOfCalls(scope.request.messages, index).map(({ callId, block, turn, path }) => {
    const { text, attachments } = toResult(scope, block, path)
    answered.add(block)
    if (attachments.length > 0) attached.set(turn, [...(attached.get(turn) ?? []), ...attachments])
    return { role: 'tool', tool_call_id: callIdFor(scope.quirks, callId), content: text }
  })
}

function summaryOf(scope: Scope, turn: RequestMessage): ChatMessage[] {
  const summary = summaryIn(turn)
  if (summary === null) return []
  scope.notes.add('block:compaction', 'converted')
  return [{ role: 'user', content: summary }]
}

function withBridges(scope: Scope, chat: readonly ChatMessage[]): ChatMessage[] {
  const bridged: ChatMessage[] = []
  for (const message of chat) {
    if (message.role === 'user' && bridged.at(-1)?.role === 'tool') {
      scope.notes.add('tool_result:bridge', 'converted')
      bridged.push(bridge)
    }
    bridged.push(message)
  }
  return bridged
}

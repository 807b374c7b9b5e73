import type { Block, RequestMessage } from '../../core/messages.ts'
import { isAttribution, textOf } from '../shared/blocks.ts'
import { refuse } from '../shared/notes.ts'
import { type Turn, toModelParts } from './assistant-turn.ts'
import { noteCacheMark, partsOf } from './parts.ts'
import type { Content, Part, Scope } from './scope.ts'
import { toResult } from './tool-result.ts'

/** Claude's way to tell a model something that the user did not say. */
const reminder = (text: string): string => `<system-reminder>\n${text}\n</system-reminder>`

/** The system prompt as parts. */
export function toSystemParts(scope: Scope): Part[] {
  return systemParts(scope, scope.request.system, 'system')
}

/** The conversation as contents, user and model in turn: parts of the same role join one content, in order. */
export function toContents(scope: Scope): Content[] {
  const contents: Content[] = []
  const turns = joinedTurns(scope.request.messages)
  const answered = new Set<Block>()
  for (let index = beginCompaction(turns); index < turns.length; index += 1) {
    const turn = turns[index] as Turn // in range by the loop's bound
    if (turn.role === 'assistant') {
      push(contents, 'user', summaryOf(scope, turn))
      push(contents, 'model', toModelParts(scope, turn))
      push(contents, 'user', resultsOf(scope, turns, index, answered))
    } else if (turn.role === 'user') push(contents, 'user', userParts(scope, turn, answered))
    else push(contents, 'user', inPlace(scope, turn))
  }
  return contents
}

/** The model's turns in a row are one: the results of all its calls come behind the last. */
function joinedTurns(messages: readonly RequestMessage[]): Turn[] {
  const turns: Turn[] = []
  messages.forEach(({ role, content }, index) => {
    const last = turns.at(-1)
    if (role === 'assistant' && last?.role === 'assistant')
      turns[turns.length - 1] = { ...last, content: [...last.content, ...content] }
    else turns.push({ role, content, path: `messages.${index}` })
  })
  return turns
}

function push(contents: Content[], role: Content['role'], parts: readonly Part[]): void {
  if (parts.length === 0) return
  const last = contents.at(-1)
  if (last?.role === role) for (const part of parts) last.parts.push(part)
  else contents.push({ role, parts: [...parts] })
}

const isResult = (block: Block): boolean => block.type === 'tool_result'

function systemParts(scope: Scope, blocks: readonly Block[], path: string): Part[] {
  return blocks.flatMap((block, index): readonly Part[] => {
    if (block.type === 'tool_addition' || block.type === 'tool_removal' || block.type === 'tool_reference')
      return partsOf(scope, block, `${path}.${index}`)
    if (block.type !== 'text') throw refuse(`${path}.${index}`, `"${block.type}" blocks cannot instruct a model`)
    const text = textOf(block)
    if (isAttribution(text)) {
      scope.notes.add('system:attribution', 'dropped')
      return []
    }
    noteCacheMark(scope, block)
    return text === '' ? [] : [{ text }]
  })
}

/** Gemini has one system prompt, at the top; moved there this would break the prompt cache, and the sense. */
function inPlace(scope: Scope, turn: Turn): Part[] {
  const parts = systemParts(scope, turn.content, `${turn.path}.content`)
  if (parts.length > 0) scope.notes.add('system:in_place', 'converted')
  return parts.map((part) => ({ text: reminder(String(part.text)) }))
}

function userParts(scope: Scope, turn: Turn, answered: ReadonlySet<Block>): Part[] {
  return turn.content.flatMap((block, at): readonly Part[] => {
    const path = `${turn.path}.content.${at}`
    if (!isResult(block)) return partsOf(scope, block, path)
    if (answered.has(block)) return []
    throw refuse(
      path,
      `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(block.tool_use_id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    )
  })
}

/** All results of a turn's calls, in the order of the calls, directly behind it; then the files that they cannot hold. */
function resultsOf(scope: Scope, turns: readonly Turn[], index: number, answered: Set<Block>): Part[] {
  const calls = (turns[index]?.content ?? []).filter(({ type }) => type === 'tool_use')
  if (calls.length === 0) return []
  const names = new Map(calls.map(({ id, name }) => [String(id), String(name)]))
  const found = new Map<string, ReturnType<typeof toResult>>()
  for (let at = index + 1; at < turns.length && turns[at]?.role !== 'assistant'; at += 1) {
    const turn = turns[at] as Turn // in range by the loop's bound
    turn.content.forEach((block, place) => {
      const id = String(block.tool_use_id)
      const name = names.get(id)
      if (!isResult(block) || name === undefined) return
      const path = `${turn.path}.content.${place}`
      if (found.has(id)) throw refuse(path, `each tool_use must have a single result: ${id} has more`)
      found.set(id, toResult(scope, block, { id, name }, path))
      answered.add(block)
    })
  }
  const results = calls.map(({ id }) => {
    const result = found.get(String(id))
    if (result !== undefined) return result
    throw refuse(
      turns[index]?.path ?? 'messages',
      `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${String(id)}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    )
  })
  return [...results.map(({ part }) => part), ...results.flatMap(({ attachments }) => attachments)]
}

const hasSummary = (block: Block): boolean =>
  block.type === 'compaction' && typeof block.content === 'string' && block.content !== ''

/** Where the conversation begins: what came before the last summary is in it, and the Messages API skips it too. */
const beginCompaction = (turns: readonly Turn[]): number =>
  Math.max(
    0,
    turns.findLastIndex(({ role, content }) => role === 'assistant' && content.some(hasSummary)),
  )

function summaryOf(scope: Scope, turn: Turn): Part[] {
  const summary = turn.content.findLast(hasSummary)
  if (summary === undefined) return []
  scope.notes.add('block:compaction', 'converted')
  return [{ text: String(summary.content) }]
}

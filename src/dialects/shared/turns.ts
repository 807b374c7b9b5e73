/** How the turns of a conversation hang together: calls and their results, and where a summary stands for what came before. */
import type { Block, RequestMessage } from '../../core/messages.ts'
import { refuse } from './notes.ts'

export const isResult = (block: Block): boolean => block.type === 'tool_result'

/** A call's result, and where it stands. */
export interface FoundResult {
  readonly callId: string
  readonly block: Block
  /** Index of the user's turn that holds it. */
  readonly turn: number
  readonly path: string
}

/**
 * The results of the calls of one assistant turn, in the order of the calls. They stand in the user's turns that follow;
 * more assistant turns between are one turn with it, as the Messages API reads them. Throws where a call has no result, or more
 * than one.
 */
export function resultsOfCalls(turns: readonly RequestMessage[], index: number): readonly FoundResult[] {
  const calls = (turns[index]?.content ?? []).filter(({ type }) => type === 'tool_use')
  if (calls.length === 0) return []
  const found = new Map<string, FoundResult>()
  const known = new Set(calls.map(({ id }) => String(id)))
  let turn = index + 1
  while (turns[turn]?.role === 'assistant') turn += 1
  for (; turn < turns.length && turns[turn]?.role !== 'assistant'; turn += 1) {
    for (const [place, block] of turns[turn]?.content.entries() ?? []) {
      const callId = String(block.tool_use_id)
      if (!isResult(block) || !known.has(callId)) continue
      const path = `messages.${turn}.content.${place}`
      if (found.has(callId)) throw refuse(path, `each tool_use must have a single result: ${callId} has more`)
      found.set(callId, { callId, block, turn, path })
    }
  }
  return calls.map(({ id }) => {
    const result = found.get(String(id))
    if (result !== undefined) return result
    throw refuse(
      `messages.${index}`,
      `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${String(id)}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    )
  })
}

/** A result that belongs to no call before it. */
export const resultWithoutCall = (block: Block, path: string): Error =>
  refuse(
    path,
    `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(block.tool_use_id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
  )

const hasSummary = (block: Block): boolean =>
  block.type === 'compaction' && typeof block.content === 'string' && block.content !== ''

/** Where the conversation begins: what came before the last summary is in it, and the Messages API skips it too. */
export const beginOf = (turns: readonly RequestMessage[]): number =>
  Math.max(
    0,
    turns.findLastIndex(({ role, content }) => role === 'assistant' && content.some(hasSummary)),
  )

/** The summary that a turn begins with; null for none. */
export function summaryIn(turn: RequestMessage): string | null {
  const summary = turn.content.findLast(hasSummary)
  return summary === undefined ? null : String(summary.content)
}

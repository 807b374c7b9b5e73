import type { AnswerUsage } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import type { UsageQuirks } from './quirks.ts'

export interface ChatUsage {
  readonly tokens: AnswerUsage
  readonly costUsd: number | null
  /** Whether `total_tokens` contradicts what is known of the provider; counted. */
  readonly disagrees: boolean
}

/** Counts as disjoint buckets, none of them negative. Null where nothing is told. */
export function toUsage(usage: Json, quirks: UsageQuirks): ChatUsage | null {
  const prompt = firstCount(usage, ['prompt_tokens', 'prompt_eval_count', 'input_tokens'])
  const completion = firstCount(usage, ['completion_tokens', 'eval_count', 'output_tokens'])
  if (prompt === null && completion === null) return null
  const reasoning = firstCount(usage, ['completion_tokens_details.reasoning_tokens', 'reasoning_tokens'])
  const read = firstCount(usage, quirks.cacheRead) ?? 0
  const write = firstCount(usage, quirks.cacheWrite) ?? 0
  const uncached = firstCount(usage, quirks.uncached)
  const told = reasoningByTotal(usage, prompt ?? 0, completion ?? 0, reasoning ?? 0)
  const separate = quirks.reasoning === 'by-total' ? told === 'separate' : quirks.reasoning === 'separate'
  const known = {
    ...(prompt !== null && { inputTokens: uncached ?? restOf(prompt, read, write, quirks) }),
    cacheReadTokens: read,
    ...(quirks.cacheWrite.length > 0 && { cacheWriteTokens: write }),
    ...(completion !== null && { outputTokens: completion + (separate ? (reasoning ?? 0) : 0) }),
    ...(reasoning !== null && { thinkingTokens: reasoning }),
  }
  return {
    tokens: known,
    costUsd: quirks.cost === null ? null : at(usage, quirks.cost),
    disagrees: told !== null && quirks.reasoning !== 'by-total' && told !== quirks.reasoning,
  }
}

function restOf(prompt: number, read: number, write: number, quirks: UsageQuirks): number {
  if (read > prompt && quirks.excessReadIsOutside) return prompt
  return Math.max(0, prompt - read - write)
}

/** What the total says of the completion's count; null where it says nothing. */
function reasoningByTotal(
  usage: Json,
  prompt: number,
  completion: number,
  reasoning: number,
): 'included' | 'separate' | null {
  const total = at(usage, 'total_tokens')
  if (total === null || reasoning === 0) return null
  if (total === prompt + completion) return 'included'
  return total === prompt + completion + reasoning ? 'separate' : null
}

function firstCount(usage: Json, paths: readonly string[]): number | null {
  for (const path of paths) {
    const count = at(usage, path)
    if (count !== null) return count
  }
  return null
}

/** A number that is no nonsense at a path of names. */
function at(usage: Json, path: string): number | null {
  let value: unknown = usage
  for (const name of path.split('.')) value = isJson(value) ? value[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

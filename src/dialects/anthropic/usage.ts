import type { AnswerUsage } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'

/** Counts in the Messages API's own words, whose buckets are disjoint already. Null where nothing is told. */
export function toUsage(usage: unknown): AnswerUsage | null {
  if (!isJson(usage)) return null
  const input = count(usage, 'input_tokens')
  const output = count(usage, 'output_tokens')
  if (input === null && output === null) return null
  const read = count(usage, 'cache_read_input_tokens')
  const write = count(usage, 'cache_creation_input_tokens')
  const details = isJson(usage.output_tokens_details) ? usage.output_tokens_details : {}
  const thinking = count(details, 'thinking_tokens')
  return {
    ...(input !== null && { inputTokens: input }),
    ...(read !== null && { cacheReadTokens: read }),
    ...(write !== null && { cacheWriteTokens: write }),
    ...(output !== null && { outputTokens: output }),
    ...(thinking !== null && { thinkingTokens: thinking }),
  }
}

export function count(usage: Json, name: string): number | null {
  const value = usage[name]
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

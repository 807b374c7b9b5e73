import type { AnswerUsage } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'

/** Counts as disjoint buckets, none of them negative. Null where nothing is told. Reasoning is inside the output. */
export function toUsage(usage: Json): AnswerUsage | null {
  const input = countIn(usage, 'input_tokens')
  const output = countIn(usage, 'output_tokens')
  if (input === null && output === null) return null
  const read = countIn(usage.input_tokens_details, 'cached_tokens') ?? 0
  const write = countIn(usage.input_tokens_details, 'cache_write_tokens') ?? 0
  const reasoning = countIn(usage.output_tokens_details, 'reasoning_tokens')
  return {
    ...(input !== null && { inputTokens: Math.max(0, input - read - write) }),
    cacheReadTokens: read,
    cacheWriteTokens: write,
    ...(output !== null && { outputTokens: output }),
    ...(reasoning !== null && { thinkingTokens: reasoning }),
  }
}

/** Whether the total says that reasoning is not inside the output after all; counted. */
export function totalDisagrees(usage: Json): boolean {
  const [input, output, total] = ['input_tokens', 'output_tokens', 'total_tokens'].map((name) => countIn(usage, name))
  const reasoning = countIn(usage.output_tokens_details, 'reasoning_tokens') ?? 0
  return reasoning > 0 && total !== null && total === (input ?? 0) + (output ?? 0) + reasoning
}

/** A number that is no nonsense. */
function countIn(holder: unknown, name: string): number | null {
  const value = isJson(holder) ? holder[name] : undefined
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

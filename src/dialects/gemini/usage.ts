import type { AnswerUsage } from '../../core/message-stream.ts'
import type { Json } from '../../core/messages.ts'

export interface GeminiUsage {
  readonly tokens: AnswerUsage
  /** Whether `totalTokenCount` is another sum than what is known of the counts; counted. */
  readonly disagrees: boolean
}

/**
 * `usageMetadata` as disjoint buckets, none of them negative: what was read from the cache is inside the prompt's count,
 * thoughts are outside the candidates'. Null where nothing is told.
 */
export function toUsage(usage: Json): GeminiUsage | null {
  const prompt = count(usage.promptTokenCount)
  const candidates = count(usage.candidatesTokenCount)
  const thoughts = count(usage.thoughtsTokenCount)
  const total = count(usage.totalTokenCount)
  if (prompt === null && candidates === null && thoughts === null) return null
  const read = count(usage.cachedContentTokenCount) ?? 0
  const tools = count(usage.toolUsePromptTokenCount) ?? 0
  const output = (candidates ?? 0) + (thoughts ?? 0)
  return {
    tokens: {
      ...(prompt !== null && { inputTokens: Math.max(0, prompt - read) + tools }),
      cacheReadTokens: read,
      outputTokens: output,
      ...(thoughts !== null && { thinkingTokens: thoughts }),
    },
    disagrees: total !== null && prompt !== null && total !== prompt + tools + output,
  }
}

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null

import { GatewayError } from '../../core/errors.ts'
import type { StopReason } from '../../core/messages.ts'

export interface Ended {
  readonly reason: StopReason
  /** What was odd about it; counted. */
  readonly flag: string | null
}

/** Filters of Gemini (Gemini API reference, `FinishReason`): the model's answer, or the rest of it, is withheld. */
const filtered = /^(SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|MODEL_ARMOR|LANGUAGE|IMAGE_.+)$/

/** The model's own mistakes: nothing good comes any more, and another try may do better. */
const failed: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MISSING_THOUGHT_SIGNATURE',
  'MALFORMED_RESPONSE',
])

/** The failure that a finish reason is, or null where it ends an answer. `detail` may quote what the model said. */
export function failureOfFinish(finish: string, detail: string | null): GatewayError | null {
  if (!failed.has(finish)) return null
  const what = `The provider ended its answer with ${finish}.`
  return new GatewayError('provider_bad_response', what, {
    shown: detail === null ? what : `${what} ${detail.slice(0, 500)}`,
  })
}

/** A finish reason in the Messages API's words. Throws where nothing was said for a reason nobody knows. */
export function toStop(finish: string, seen: { hasCalls: boolean; hasContent: boolean }): Ended {
  if (finish === 'STOP') return { reason: seen.hasCalls ? 'tool_use' : 'end_turn', flag: null }
  if (finish === 'MAX_TOKENS') return { reason: 'max_tokens', flag: null }
  if (filtered.test(finish)) return { reason: 'refusal', flag: null }
  if (!seen.hasContent)
    throw new GatewayError('provider_bad_response', 'The provider ended an empty answer for a reason unknown.')
  return { reason: seen.hasCalls ? 'tool_use' : 'end_turn', flag: 'unknown_finish' }
}

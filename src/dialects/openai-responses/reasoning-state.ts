import { isJson, type Json } from '../../core/messages.ts'
import { packState, unpackState } from '../shared/provider-state.ts'

/**
 * What the provider wants back in the next turn: its reasoning items, encrypted, since nothing is stored there; and the
 * phase of the message that followed (`commentary` or `final_answer`), without which later models do worse.
 */
export interface ReasoningState {
  readonly reasoning: readonly Json[]
  readonly phase: string | null
}

/** Reasoning of one block that is longer than this does not go back: it would fill the memory. */
const stateLimit = 4 * 1024 * 1024

export function packReasoning(provider: string, { reasoning, phase }: ReasoningState): string {
  return packState(provider, { reasoning, ...(phase !== null && { phase }) })
}

/** The state in a signature; null for those of other providers or dialects. */
export function unpackReasoning(provider: string, signature: unknown): ReasoningState | null {
  const state = unpackState(provider, signature)
  if (!isJson(state) || !Array.isArray(state.reasoning)) return null
  return {
    reasoning: state.reasoning.filter(isJson),
    phase: typeof state.phase === 'string' ? state.phase : null,
  }
}

/** A reasoning item as it goes back; null where it says nothing without the provider's memory of it. */
export function itemToKeep(item: Json): Json | null {
  const { id, summary, content, encrypted_content: encrypted } = item
  const isEncrypted = typeof encrypted === 'string' && encrypted !== ''
  const isOpen = Array.isArray(content) && content.length > 0
  if (!isEncrypted && !isOpen) return null
  const kept = {
    type: 'reasoning',
    ...(typeof id === 'string' && { id }),
    summary: Array.isArray(summary) ? summary : [],
    ...(isOpen && { content }),
    ...(isEncrypted && { encrypted_content: encrypted }),
  }
  return JSON.stringify(kept).length > stateLimit ? null : kept
}

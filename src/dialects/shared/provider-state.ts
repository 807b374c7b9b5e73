import { packedPrefix } from '../../wire/drop-packed-thinking.ts'

/**
 * State that a provider wants back in the next turn (Gemini's thought signatures, DeepSeek's reasoning, OpenRouter's
 * reasoning details) travels in the `signature` of a thinking block: clients return thinking blocks unchanged, whatever
 * the signature. Nothing is stored, so any gateway of a fleet can take the next turn.
 */

/** Version 1, and whose it is: a session may switch providers in the middle, and state of one is nonsense to another. */
const prefix = packedPrefix

/** `state` is any JSON value. */
export function packState(provider: string, state: unknown): string {
  return `${prefix}${provider}.${Buffer.from(JSON.stringify(state)).toString('base64url')}`
}

/** Whether a signature is ours, of whatever provider: such a block never goes to Anthropic. */
export const isPackedState = (signature: unknown): signature is string =>
  typeof signature === 'string' && signature.startsWith(prefix)

/** The state that was packed for this provider; null for signatures of others, or damaged ones. */
export function unpackState(provider: string, signature: unknown): unknown {
  const own = `${prefix}${provider}.`
  if (typeof signature !== 'string' || !signature.startsWith(own)) return null
  try {
    return JSON.parse(Buffer.from(signature.slice(own.length), 'base64url').toString('utf8'))
  } catch {
    return null // Somebody changed it on the way; a turn without it is better than no turn.
  }
}

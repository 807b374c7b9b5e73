/**
 * Thought signatures on their way through the caller's conversation. Gemini puts one on a part, and wants it back on that
 * part; the Messages API has room for them in thinking blocks. So a thinking block's signature says which parts its
 * signatures belong to: calls by their id (so that it does not matter where the block goes), texts and thoughts by place.
 */
import { type Block, isJson, type RequestMessage } from '../../core/messages.ts'
import { packState, unpackState } from '../shared/provider-state.ts'

/** Signatures of one dialect, whatever the provider is called: Gemini's models are behind more than one address. */
const owner = 'gemini'

/** What Gemini 3 takes where the history has no signature (Gemini API, "Thought signatures", "FAQs"). */
export const placeholderSignature = 'skip_thought_signature_validator'

/** A place in a text: `length` characters from `at`. Zero characters are a part of their own. */
interface Place {
  readonly at: number
  readonly length: number
}

export type Signed =
  | { readonly on: 'call'; readonly id: string; readonly signature: string }
  /** `thought`: of this block. `next`: of the text behind it. `last`: of the text before it. */
  | ({ readonly on: 'thought' | 'next' | 'last'; readonly signature: string } & Place)

/** A block has few; what has more than this was not made here. */
const signedLimit = 1000

export const packSigned = (signed: readonly Signed[]): string => packState(owner, { signed })

/** What a thinking block's signature holds; null for a signature that is not of this dialect. */
export function unpackSigned(block: Block): readonly Signed[] | null {
  const state = unpackState(owner, block.signature)
  if (!isJson(state)) return null
  if (!Array.isArray(state.signed)) return []
  return state.signed.slice(0, signedLimit).filter(isSigned)
}

const isPlace = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0

function isSigned(value: unknown): value is Signed {
  if (!isJson(value) || typeof value.signature !== 'string' || value.signature === '') return false
  if (value.on === 'call') return typeof value.id === 'string'
  const knownPlace = value.on === 'thought' || value.on === 'next' || value.on === 'last'
  return knownPlace && isPlace(value.at) && isPlace(value.length)
}

/** The signatures of all calls of a conversation. */
export function callSignaturesOf(messages: readonly RequestMessage[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { role, content } of messages) {
    if (role !== 'assistant') continue
    for (const block of content)
      if (block.type === 'thinking')
        for (const signed of unpackSigned(block) ?? []) if (signed.on === 'call') found.set(signed.id, signed.signature)
  }
  return found
}

type Placed = Exclude<Signed, { on: 'call' }>

/** Splits a text where signed parts begin and end. `as` makes a part of a piece. */
export function signedParts(
  text: string,
  signed: readonly Placed[],
  as: (text: string) => Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>>[] {
  const parts: Readonly<Record<string, unknown>>[] = []
  let from = 0
  for (const { at, length, signature } of [...signed].sort((a, b) => a.at - b.at)) {
    // The text may have been shortened on its way; a signature never goes on less than a part.
    const begin = Math.max(from, Math.min(at, text.length))
    const end = Math.max(begin, Math.min(at + length, text.length))
    if (begin > from) parts.push(as(text.slice(from, begin)))
    parts.push({ ...as(text.slice(begin, end)), thoughtSignature: signature })
    from = end
  }
  if (from < text.length) parts.push(as(text.slice(from)))
  return parts
}

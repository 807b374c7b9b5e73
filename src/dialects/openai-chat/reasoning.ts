import { isJson, type Json } from '../../core/messages.ts'

/** What one piece of an answer says of its reasoning. */
export interface ReasoningPiece {
  readonly text: string
  /** OpenRouter's details, which go back unchanged. */
  readonly details: readonly unknown[]
}

/** Reasoning beside the content. Fields that say the same twice are read once. */
export function reasoningIn(piece: Json): ReasoningPiece {
  const details = Array.isArray(piece.reasoning_details) ? piece.reasoning_details : []
  const text = textIn(piece.reasoning_content) || textIn(piece.reasoning) || details.map(detailText).join('')
  return { text, details }
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function detailText(detail: unknown): string {
  if (!isJson(detail)) return ''
  return textIn(detail.text) || textIn(detail.summary)
}

/** The text of a `thinking` content part (Mistral): a text, or a list of text parts. */
export function thinkingPartText(part: Json): string {
  if (typeof part.thinking === 'string') return part.thinking
  if (!Array.isArray(part.thinking)) return ''
  return part.thinking.map((inner: unknown) => (isJson(inner) ? textIn(inner.text) : '')).join('')
}

/** Reasoning of one block, kept to go back to the provider. Longer than this it does not go back: it would fill the memory. */
const stateLimit = 4 * 1024 * 1024

/** Collects what must come back next turn, as the JSON that is packed into a signature. */
export class ReasoningState {
  #text = ''
  #details: Json[] = []
  #size = 0

  get isEmpty(): boolean {
    return this.#size === 0
  }

  addText(text: string): void {
    this.#size += text.length
    if (this.#size <= stateLimit) this.#text += text
  }

  /** Streamed pieces of one detail are joined: the same index and type. */
  addDetail(detail: unknown): void {
    if (!isJson(detail)) return
    this.#size += 1 + JSON.stringify(detail).length
    if (this.#size > stateLimit) return
    const last = this.#details.at(-1)
    if (last === undefined || last.type !== detail.type || last.index !== detail.index || isOther(last, detail)) {
      this.#details.push(detail)
      return
    }
    const joined: Record<string, unknown> = { ...last }
    for (const [name, value] of Object.entries(detail)) {
      const known = joined[name]
      const isText = typeof value === 'string' && typeof known === 'string'
      if (isText && (name === 'text' || name === 'summary' || name === 'data')) joined[name] = known + value
      else if (value !== null && value !== undefined && value !== '') joined[name] = value
      else if (known === undefined) joined[name] = value
    }
    this.#details[this.#details.length - 1] = joined
  }

  /** The state so far, and begins anew. */
  take(): Json {
    const state = {
      ...(this.#text !== '' && { text: this.#text }),
      ...(this.#details.length > 0 && { details: this.#details }),
    }
    this.#text = ''
    this.#details = []
    this.#size = 0
    return state
  }
}

/** Two details of one index that are each whole: encrypted ones with ids of their own. */
const isOther = (a: Json, b: Json): boolean =>
  typeof a.id === 'string' && typeof b.id === 'string' && a.id !== '' && b.id !== '' && a.id !== b.id

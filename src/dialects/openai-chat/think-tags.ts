/** A piece of the answer's text, sorted. */
export interface Piece {
  readonly kind: 'text' | 'thinking'
  readonly text: string
}

const openTag = '<think>'
const closeTag = '</think>'

/** Splits reasoning off that a model wrote in `<think>` tags at the beginning of its answer. */
export class ThinkTags {
  #state: 'before' | 'inside' | 'after' = 'before'
  #held = ''

  push(text: string): Piece[] {
    if (this.#state === 'after') return text === '' ? [] : [{ kind: 'text', text }]
    this.#held += text
    const pieces: Piece[] = []
    if (this.#state === 'before' && !this.#begins(pieces)) return pieces
    if (this.#state === 'inside') this.#inside(pieces)
    return pieces
  }

  /** The answer ended: what was held back is what it looks like. */
  finish(): Piece[] {
    const held = this.#held
    this.#held = ''
    if (held === '') return []
    return [{ kind: this.#state === 'inside' ? 'thinking' : 'text', text: held }]
  }

  /** True once it is known whether the answer begins with the tag. */
  #begins(pieces: Piece[]): boolean {
    const text = this.#held.trimStart()
    if (text.startsWith(openTag)) {
      this.#state = 'inside'
      this.#held = text.slice(openTag.length)
      return true
    }
    if (openTag.startsWith(text)) return false
    this.#state = 'after'
    pieces.push({ kind: 'text', text: this.#held })
    this.#held = ''
    return true
  }

  #inside(pieces: Piece[]): void {
    const end = this.#held.indexOf(closeTag)
    if (end >= 0) {
      const rest = this.#held.slice(end + closeTag.length)
      if (end > 0) pieces.push({ kind: 'thinking', text: this.#held.slice(0, end) })
      this.#held = ''
      this.#state = 'after'
      if (rest !== '') pieces.push({ kind: 'text', text: rest })
      return
    }
    const safe = this.#held.length - partOfTagAtEnd(this.#held)
    if (safe > 0) pieces.push({ kind: 'thinking', text: this.#held.slice(0, safe) })
    this.#held = this.#held.slice(safe)
  }
}

/** How many characters at the end may be the beginning of the closing tag. */
function partOfTagAtEnd(text: string): number {
  for (let length = Math.min(closeTag.length - 1, text.length); length > 0; length -= 1)
    if (closeTag.startsWith(text.slice(-length))) return length
  return 0
}

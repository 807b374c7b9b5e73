/** Filters over an answer's text as it arrives; both give the same for any cutting. */

/** Removes a prefill that the provider repeats: the caller has it already. */
export class EchoFilter {
  #prefix: string
  #held = ''
  /** Whether an echo was removed. */
  removed = false

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  push(text: string): string {
    if (this.#prefix === '') return text
    this.#held += text
    if (this.#held.length < this.#prefix.length && this.#prefix.startsWith(this.#held)) return ''
    const echoed = this.#held.startsWith(this.#prefix)
    const rest = echoed ? this.#held.slice(this.#prefix.length) : this.#held
    if (echoed) this.removed = true
    this.#prefix = ''
    this.#held = ''
    return rest
  }

  /** Something else follows: what was held back was no echo. */
  flush(): string {
    if (this.#held === '') return ''
    const held = this.#held
    this.#held = ''
    this.#prefix = ''
    return held
  }
}

/** Ends the text at the first stop sequence, for providers that know none. */
export class StopFilter {
  readonly #sequences: readonly string[]
  readonly #longest: number
  #held = ''
  /** The sequence that was met; nothing comes out any more. */
  met: string | null = null

  constructor(sequences: readonly string[]) {
    this.#sequences = sequences.filter((sequence) => sequence !== '')
    this.#longest = Math.max(0, ...this.#sequences.map(({ length }) => length))
  }

  push(text: string): string {
    if (this.#longest === 0) return text
    if (this.met !== null) return ''
    const all = this.#held + text
    let first = -1
    for (const sequence of this.#sequences) {
      const at = all.indexOf(sequence)
      if (at < 0 || (first >= 0 && at >= first)) continue
      first = at
      this.met = sequence
    }
    if (this.met !== null) {
      this.#held = ''
      return all.slice(0, first)
    }
    const safe = all.length - this.#beginningAtEnd(all)
    this.#held = all.slice(safe)
    return all.slice(0, safe)
  }

  /** The text ended, or something else follows: what was held back was no sequence. */
  flush(): string {
    const held = this.#held
    this.#held = ''
    return held
  }

  /** How many characters at the end may be the beginning of a sequence. */
  #beginningAtEnd(text: string): number {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length -= 1) {
      const end = text.slice(-length)
      if (this.#sequences.some((sequence) => sequence.startsWith(end))) return length
    }
    return 0
  }
}

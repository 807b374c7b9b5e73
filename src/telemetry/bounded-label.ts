/** A label value from an open set under a cap: the first `cap` values are kept, later ones are `other`. */
export class BoundedLabel {
  readonly #known = new Set<string>()
  readonly #cap: number
  readonly #onOverflow: () => void

  constructor(cap: number, onOverflow: () => void) {
    this.#cap = cap
    this.#onOverflow = onOverflow
  }

  value(raw: string): string {
    if (this.#known.has(raw) || raw === 'other' || raw === 'none') return raw
    if (this.#known.size >= this.#cap || raw.length > longestValue) {
      this.#onOverflow()
      return 'other'
    }
    this.#known.add(raw)
    return raw
  }

  values(): readonly string[] {
    return [...this.#known]
  }
}

/** Longer values are no names; a host name has at most 253 characters. */
const longestValue = 253

import { inspect } from 'node:util'

/**
 * A value that must not be seen: printing, serialising or inspecting it gives `[secret]`.
 * Only `reveal()` gives the value, so a search for that word finds every place where a secret leaves.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

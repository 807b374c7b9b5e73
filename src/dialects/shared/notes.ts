import type { TranslationNote } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'

/** Notes, each once: a request has a hundred cache marks, and one line about them. */
export class Notes {
  readonly #seen = new Map<string, TranslationNote>()

  add(what: string, how: TranslationNote['how']): void {
    const key = `${how} ${what}`
    if (!this.#seen.has(key)) this.#seen.set(key, { what, how })
  }

  get all(): readonly TranslationNote[] {
    return [...this.#seen.values()]
  }
}

/** The request cannot be said in the target's words; `path` names the place. */
export function refuse(path: string, why: string): GatewayError {
  return new GatewayError('caller_invalid_request', `${path}: ${why}`)
}

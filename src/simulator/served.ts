import type { IncomingHttpHeaders } from 'node:http'
import type { AnswerFacts } from './plan.ts'
import type { WrittenFacts } from './writer.ts'

/** One answered call as the simulator saw it; no prompt, no answer text, no credential. */
export interface ServedCall {
  /** Epoch milliseconds of its arrival. */
  readonly at: number
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly requestBytes: number
  /** SHA-256 of the request body as it came, hex: equal hashes mean that nobody re-wrote it. */
  readonly requestSha256: string
  readonly requestedModel: string | null
  readonly stream: boolean
  readonly messageCount: number
  readonly toolCount: number
  readonly sessionId: string | null
  readonly agentId: string | null
  readonly status: number
  readonly answer: AnswerFacts
  readonly responseBytes: number
  readonly ended: WrittenFacts['ended']
}

/** The last `limit` answered calls, oldest first. */
export class ServedLog {
  readonly #limit: number
  #calls: ServedCall[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get enabled(): boolean {
    return this.#limit > 0
  }

  add(call: ServedCall): void {
    if (!this.enabled) return
    this.#calls.push(call)
    // Twice the limit before cutting: shifting an array at every call is slow.
    if (this.#calls.length >= this.#limit * 2) this.#calls = this.#calls.slice(-this.#limit)
  }

  list(): readonly ServedCall[] {
    return this.#calls.slice(-this.#limit)
  }
}

const secretHeaders = new Set([
  ...['authorization', 'x-api-key', 'proxy-authorization', 'cookie'],
  // The simulator may stand where any provider stands, or behind a gateway that let a key of its own through.
  ...['x-goog-api-key', 'api-key', 'x-signalbox-key'],
])

/** Headers fit to be shown: a credential is told by its kind alone. */
export function shownHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    const text = Array.isArray(value) ? value.join(', ') : value
    shown[name] = secretHeaders.has(name) ? credentialKind(text) : text
  }
  return shown
}

/** `oauth` for a subscription login, `api-key`, or `other`. */
export function credentialKind(value: string): 'oauth' | 'api-key' | 'other' {
  const bare = value.replace(/^bearer\s+/i, '')
  if (bare.startsWith('sk-ant-oat')) return 'oauth'
  return bare.startsWith('sk-ant-') ? 'api-key' : 'other'
}

import { EventStreamWriter } from '../../core/answer-writers.ts'
import type { AnswerFacts, StreamTranslation } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { SseTap } from '../../wire/sse-tap.ts'

/** The reader of event streams gives lines longer than this without their data; an answer must not lose them silently. */
const longLineBytes = 4 * 1024 * 1024

/** An answer that is read event by event. */
export interface EventReader {
  readonly facts: AnswerFacts
  /** True once the answer is complete; what follows does not count. */
  readonly done: boolean
  event(name: string, data: Buffer): void
  /** The stream ended. Throws where the answer is not complete. */
  end(): void
}

/** The events of a provider as the events of a message: one shell for all dialects that stream over SSE. */
export class EventTranslation implements StreamTranslation {
  readonly #writer = new EventStreamWriter()
  readonly #reader: EventReader
  readonly #tap = new SseTap((name, data) => this.#take(name, data))
  /** Bytes since the last event. */
  #bytes = 0
  #failure: GatewayError | null = null

  constructor(read: (writer: EventStreamWriter) => EventReader) {
    this.#reader = read(this.#writer)
  }

  get facts(): AnswerFacts {
    return this.#reader.facts
  }

  get failure(): GatewayError | null {
    return this.#failure
  }

  push(chunk: Buffer): string {
    if (this.#failure !== null) throw this.#failure
    this.#bytes += chunk.length
    this.#tap.push(chunk)
    const text = this.#writer.take()
    // What was written stands, also before a failure: then it is told by `failure`, else thrown.
    if (this.#failure !== null && text === '') throw this.#failure
    return text
  }

  finish(): string {
    if (this.#failure === null) this.#tap.finish()
    // The last event may only now have come, and been a failure.
    if (this.failure === null && !this.#reader.done) this.#guarded(() => this.#reader.end())
    if (this.#failure !== null) throw this.#failure
    return this.#writer.take()
  }

  #take(name: string, data: Buffer): void {
    const bytes = this.#bytes
    this.#bytes = 0
    if (this.#reader.done || this.#failure !== null) return
    this.#guarded(() => {
      if (data.length > 0) this.#reader.event(name, data)
      else if (bytes > longLineBytes)
        throw new GatewayError('provider_bad_response', 'An event of the provider’s answer is too long.')
    })
  }

  /** A failure is kept, since the reader of events goes on to the end of the bytes it was given. */
  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      this.#failure = error
    }
  }
}

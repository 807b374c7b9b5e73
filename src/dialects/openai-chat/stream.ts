import { EventStreamWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, AnswerFacts, StreamTranslation } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { isJson } from '../../core/messages.ts'
import { SseTap } from '../../wire/sse-tap.ts'
import { ChatAnswer } from './answer.ts'
import { callsInFailure } from './failed-generation.ts'
import { parsed } from './failure.ts'
import type { ChatQuirks } from './quirks.ts'

/** The reader of event streams gives lines longer than this without their data; an answer must not lose them silently. */
const longLineBytes = 4 * 1024 * 1024

/** A stream of chat completion chunks as the events of a message. */
export class ChatStream implements StreamTranslation {
  readonly #writer = new EventStreamWriter()
  readonly #answer: ChatAnswer
  readonly #context: AnswerContext
  readonly #tap = new SseTap((name, data) => this.#take(name, data))
  /** Bytes since the last event. */
  #bytes = 0
  #done = false
  #failure: GatewayError | null = null

  constructor(context: AnswerContext, quirks: ChatQuirks) {
    this.#context = context
    this.#answer = new ChatAnswer(this.#writer, context, quirks)
  }

  get facts(): AnswerFacts {
    return this.#answer.facts
  }

  get failure(): GatewayError | null {
    return this.#failure
  }

  push(chunk: Buffer): string {
    if (this.#failure !== null) throw this.#failure
    this.#bytes += chunk.length
    this.#tap.push(chunk)
    return this.#taken()
  }

  finish(): string {
    if (this.#failure === null) {
      this.#tap.finish()
      // The last event may only now have come, and been a failure.
      if (!this.#done && this.failure === null) this.#guarded(() => this.#end())
    }
    if (this.#failure !== null) throw this.#failure
    return this.#writer.take()
  }

  /** What was written stands, also before a failure: then it is told by `failure`, else thrown. */
  #taken(): string {
    const text = this.#writer.take()
    if (this.#failure !== null && text === '') throw this.#failure
    return text
  }

  #take(name: string, data: Buffer): void {
    if (this.#done || this.#failure !== null) return
    this.#guarded(() => this.#event(name, data))
    this.#bytes = 0
  }

  #event(name: string, data: Buffer): void {
    if (data.length === 0) {
      if (this.#bytes <= longLineBytes) return
      throw new GatewayError('provider_bad_response', 'An event of the provider’s answer is too long.')
    }
    const text = data.toString('utf8')
    if (text.trim() === '[DONE]') return this.#end()
    const chunk = parsed(data)
    const calls = isJson(chunk) ? callsInFailure(chunk, this.#context) : null
    if (calls === null) return this.#answer.chunk(chunk, name)
    this.#done = true
    this.#answer.endWithCalls(calls)
  }

  #end(): void {
    this.#answer.end()
    this.#done = true
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

import type { AnswerContext, AnswerFacts } from '../../core/dialect.ts'
import type { AnswerWriter } from '../../core/message-stream.ts'
import { isJson } from '../../core/messages.ts'
import { type EventReader, EventTranslation } from '../shared/event-translation.ts'
import { parsedJson } from '../shared/told-error.ts'
import { ChatAnswer } from './answer.ts'
import { callsInFailure } from './failed-generation.ts'
import type { ChatQuirks } from './quirks.ts'

/** A stream of chat completion chunks as the events of a message. */
export const translateStream = (context: AnswerContext, quirks: ChatQuirks): EventTranslation =>
  new EventTranslation((writer) => new ChunkReader(writer, context, quirks))

/** Reads chunks until `[DONE]`, or the end of the stream. */
class ChunkReader implements EventReader {
  readonly #answer: ChatAnswer
  readonly #context: AnswerContext
  #done = false

  constructor(writer: AnswerWriter, context: AnswerContext, quirks: ChatQuirks) {
    this.#context = context
    this.#answer = new ChatAnswer(writer, context, quirks)
  }

  get facts(): AnswerFacts {
    return this.#answer.facts
  }

  get done(): boolean {
    return this.#done
  }

  event(name: string, data: Buffer): void {
    if (isDone(data)) return this.end()
    const chunk = parsedJson(data)
    const calls = isJson(chunk) ? callsInFailure(chunk, this.#context) : null
    if (calls === null) return this.#answer.chunk(chunk, name)
    this.#done = true
    this.#answer.endWithCalls(calls)
  }

  end(): void {
    this.#answer.end()
    this.#done = true
  }
}

const isDone = (data: Buffer): boolean => data.length < 16 && data.toString('latin1').trim() === '[DONE]'

import type { AnswerContext, AnswerFacts, StreamTranslation } from '../../core/dialect.ts'
import type { AnswerWriter } from '../../core/message-stream.ts'
import { type EventReader, EventTranslation } from '../shared/event-translation.ts'
import { parsedJson } from '../shared/told-error.ts'
import { GeminiAnswer } from './answer.ts'

/** A stream of `GenerateContentResponse`s as the events of a message. */
export const translateStream = (context: AnswerContext): StreamTranslation =>
  new EventTranslation((writer) => new GeminiReader(writer, context))

class GeminiReader implements EventReader {
  readonly #answer: GeminiAnswer
  #done = false

  constructor(writer: AnswerWriter, context: AnswerContext) {
    this.#answer = new GeminiAnswer(writer, context)
  }

  get facts(): AnswerFacts {
    return this.#answer.facts
  }

  get done(): boolean {
    return this.#done
  }

  /** Gemini has no last event, but proxies between add the one of OpenAI's streams. */
  event(_name: string, data: Buffer): void {
    if (data.length > 8 || data.toString('utf8').trim() !== '[DONE]') this.#answer.chunk(parsedJson(data))
  }

  end(): void {
    this.#answer.end()
    this.#done = true
  }
}

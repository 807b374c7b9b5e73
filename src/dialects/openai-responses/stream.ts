import type { EventStreamWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, AnswerFacts, StreamTranslation } from '../../core/dialect.ts'
import { isJson } from '../../core/messages.ts'
import { type EventReader, EventTranslation } from '../shared/event-translation.ts'
import { parsedJson } from '../shared/told-error.ts'
import { ResponsesAnswer } from './answer.ts'
import { errorIn } from './failure.ts'
import { badAnswer } from './output-items.ts'

/** A stream of the Responses API as the events of a message. */
export const translateStream = (context: AnswerContext): StreamTranslation =>
  new EventTranslation((writer) => new ResponsesEvents(writer, context))

/** It repeats the whole request, tools and all, and says nothing that other events do not. */
const skipped = 'response.in_progress'

class ResponsesEvents implements EventReader {
  readonly #answer: ResponsesAnswer

  constructor(writer: EventStreamWriter, context: AnswerContext) {
    this.#answer = new ResponsesAnswer(writer, context)
  }

  get facts(): AnswerFacts {
    return this.#answer.facts
  }

  get done(): boolean {
    return this.#answer.done
  }

  event(name: string, data: Buffer): void {
    if (name === skipped) return
    const event = parsedJson(data)
    if (!isJson(event)) {
      // The end mark of other APIs, which some servers send here too.
      if (data.toString('latin1').trim() === '[DONE]') return
      throw badAnswer('an event is no object')
    }
    const error = errorIn(event, name)
    if (error !== null) throw error
    this.#answer.event(typeof event.type === 'string' ? event : { ...event, type: name })
  }

  end(): void {
    this.#answer.end()
  }
}

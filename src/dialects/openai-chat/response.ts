import { EventStreamWriter, MessageWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, TranslatedAnswer } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import type { AnswerWriter } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { parsedJson } from '../shared/told-error.ts'
import { ChatAnswer } from './answer.ts'
import { callsInFailure } from './failed-generation.ts'
import type { ChatQuirks } from './quirks.ts'

type Form = 'message' | 'events'

/** A whole completion as one message, or as the events of a stream. */
export function fromUpstream(body: Buffer, context: AnswerContext, quirks: ChatQuirks, form: Form): TranslatedAnswer {
  const value = parsedJson(body)
  if (!isJson(value)) throw new GatewayError('provider_bad_response', 'The provider’s answer is not a JSON object.')
  const calls = callsInFailure(value, context)
  return written(context, quirks, form, (answer) => {
    if (calls !== null) return answer.endWithCalls(calls)
    answer.chunk(value)
    answer.end()
  })
}

/** The answer that an error body holds (Groq's `failed_generation`), or null. */
export function recover(body: Buffer, context: AnswerContext, quirks: ChatQuirks, form: Form): TranslatedAnswer | null {
  const value = parsedJson(body)
  const calls: readonly Json[] | null = isJson(value) ? callsInFailure(value, context) : null
  return calls === null ? null : written(context, quirks, form, (answer) => answer.endWithCalls(calls))
}

function written(
  context: AnswerContext,
  quirks: ChatQuirks,
  form: Form,
  write: (answer: ChatAnswer) => void,
): TranslatedAnswer {
  const events = new EventStreamWriter()
  const message = new MessageWriter()
  const writer: AnswerWriter = form === 'events' ? events : message
  const answer = new ChatAnswer(writer, context, quirks)
  write(answer)
  return { text: form === 'events' ? events.take() : (message.body ?? ''), facts: answer.facts }
}

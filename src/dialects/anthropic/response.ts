import { EventStreamWriter, MessageWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, TranslatedAnswer } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { isJson } from '../../core/messages.ts'
import { parsedJson } from '../shared/told-error.ts'
import { MessagesAnswer } from './answer.ts'
import type { MessagesQuirks } from './quirks.ts'

/** A whole message as one message, or as the events of a stream. */
export function fromUpstream(
  body: Buffer,
  context: AnswerContext,
  quirks: MessagesQuirks,
  form: 'message' | 'events',
): TranslatedAnswer {
  const value = parsedJson(body)
  if (!isJson(value)) throw new GatewayError('provider_bad_response', 'The provider’s answer is not a JSON object.')
  const events = new EventStreamWriter()
  const message = new MessageWriter()
  const answer = new MessagesAnswer(form === 'events' ? events : message, context, quirks)
  answer.message(value)
  return { text: form === 'events' ? events.take() : (message.body ?? ''), facts: answer.facts }
}

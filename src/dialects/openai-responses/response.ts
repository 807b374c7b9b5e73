import { EventStreamWriter, MessageWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, TranslatedAnswer } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import type { AnswerWriter } from '../../core/message-stream.ts'
import { isJson } from '../../core/messages.ts'
import { parsedJson } from '../shared/told-error.ts'
import { ResponsesAnswer } from './answer.ts'
import { errorIn } from './failure.ts'

/** A whole response as one message, or as the events of a stream. */
export function fromUpstream(body: Buffer, context: AnswerContext, form: 'message' | 'events'): TranslatedAnswer {
  const response = parsedJson(body)
  if (!isJson(response)) throw new GatewayError('provider_bad_response', 'The provider’s answer is not a JSON object.')
  // A response tells its own failure; anything else that holds an error is one.
  const error = response.object === 'response' ? null : errorIn(response)
  if (error !== null) throw error
  const events = new EventStreamWriter()
  const message = new MessageWriter()
  const writer: AnswerWriter = form === 'events' ? events : message
  const answer = new ResponsesAnswer(writer, context)
  answer.response(response)
  return { text: form === 'events' ? events.take() : (message.body ?? ''), facts: answer.facts }
}

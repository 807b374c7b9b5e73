import { EventStreamWriter, MessageWriter } from '../../core/answer-writers.ts'
import type { AnswerContext, TranslatedAnswer } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { isJson } from '../../core/messages.ts'
import { parsedJson } from '../shared/told-error.ts'
import { GeminiAnswer } from './answer.ts'

/** A whole answer as one message, or as the events of a stream. A list is a stream that came without its events. */
export function fromUpstream(body: Buffer, context: AnswerContext, form: 'message' | 'events'): TranslatedAnswer {
  const value = parsedJson(body)
  const chunks: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (chunks.length === 0 || !chunks.every(isJson))
    throw new GatewayError('provider_bad_response', 'The provider’s answer is not a JSON object.')
  const events = new EventStreamWriter()
  const message = new MessageWriter()
  const answer = new GeminiAnswer(form === 'events' ? events : message, context)
  for (const chunk of chunks) answer.chunk(chunk)
  answer.end()
  return { text: form === 'events' ? events.take() : (message.body ?? ''), facts: answer.facts }
}

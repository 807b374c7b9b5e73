import type { AnswerContext, StreamTranslation } from '../../core/dialect.ts'
import { EventTranslation } from '../shared/event-translation.ts'
import { MessagesAnswer } from './answer.ts'
import type { MessagesQuirks } from './quirks.ts'

/** Another provider's events of a message as ours. */
export const messagesStream = (context: AnswerContext, quirks: MessagesQuirks): StreamTranslation =>
  new EventTranslation((writer) => new MessagesAnswer(writer, context, quirks))

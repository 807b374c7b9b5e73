/** What the tests of this dialect share: a context, and ways to push an answer through. */

import type { AnswerContext, AnswerFacts, ModelFacts, TranslatedRequest } from '../../src/core/dialect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { parseMessagesRequest } from '../../src/core/messages.ts'
import { type ChatQuirks, openAiChat } from '../../src/dialects/openai-chat/index.ts'
import { checkEventStream } from './event-stream-checker.ts'

export const minimal = { model: 'opus', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

export const parse = (body: object) => parseMessagesRequest(Buffer.from(JSON.stringify({ ...minimal, ...body })))

export function contextFor(provider: string, body: object = {}, toolNames = new Map<string, string>()): AnswerContext {
  let count = 0
  return {
    messageId: 'msg_1',
    model: 'opus',
    estimatedInputTokens: 12,
    target: { provider, model: 'm', facts: {}, userHash: null },
    toolNames,
    request: parse(body),
    newCallId: () => `toolu_new${count++}`,
  }
}

export interface Seen {
  readonly text: string
  readonly error: GatewayError | null
  readonly facts: AnswerFacts
}

/** All that came out, and the failure it ended with, as the relay would see it. */
export function streamThrough(quirks: ChatQuirks, context: AnswerContext, chunks: readonly Buffer[]): Seen {
  const stream = openAiChat(quirks).translateStream(context)
  let text = ''
  let error: GatewayError | null = null
  try {
    for (const chunk of chunks) {
      text += stream.push(chunk)
      if (stream.failure != null) throw stream.failure
    }
    text += stream.finish()
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    error = thrown
  }
  return { text, error, facts: stream.facts }
}

/** A whole answer, put together as a client would. */
export function answerFrom(quirks: ChatQuirks, context: AnswerContext, body: Buffer, form: 'message' | 'events') {
  const { text, facts } = openAiChat(quirks).fromUpstream(body, context, form)
  const message: Record<string, unknown> = form === 'message' ? JSON.parse(text) : checkEventStream(text).message
  return { message, facts }
}

answerFrom.failure = (quirks: ChatQuirks, status: number, body: Buffer, headers: readonly string[] = []) =>
  openAiChat(quirks).toFailure(status, headers, body, 0)

export interface Sent {
  // biome-ignore lint/suspicious/noExplicitAny: the body is read by name, as a provider does.
  readonly body: any
  readonly notes: TranslatedRequest['notes']
  readonly toolNames: TranslatedRequest['toolNames']
  readonly path: string
}

/** A request as the provider would read it. */
export function sent(
  quirks: ChatQuirks,
  body: object,
  facts: ModelFacts = {},
  provider = 'openai',
  userHash = 'h4sh',
): Sent {
  const translated = openAiChat(quirks).toUpstream(parse(body), { provider, model: 'm', facts, userHash })
  return { ...translated, body: JSON.parse(translated.body) }
}

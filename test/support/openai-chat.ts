/** What the tests of this dialect share: a context, and ways to push an answer through. */

import { expect } from 'vitest'
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

export type Delta = Record<string, unknown>
/** A chunk of a stream with one choice. */
export const chunk = (delta: Delta, finish: string | null = null, more: object = {}) => ({
  id: 'c',
  model: 'served',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
})
/** A chunk with a piece of a tool call. */
export const piece = (call: Delta) => chunk({ tool_calls: [call] })
/** Events as bytes, one a chunk. */
export const bytes = (...events: (object | string)[]) =>
  events.map((event) => Buffer.from(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`))

/** A stream that must be complete: its message. */
export function messageOf(quirks: ChatQuirks, events: (object | string)[], context = contextFor('openai')) {
  const seen = streamThrough(quirks, context, bytes(...events, '[DONE]'))
  expect(seen.error).toBeNull()
  const stream = checkEventStream(seen.text)
  expect(stream.complete).toBe(true)
  const { stop_reason, stop_sequence } = stream.message
  return { ...stream.message, stop_reason, stop_sequence, flags: seen.facts.flags, facts: seen.facts }
}
/** A stream that may fail. */
export const failed = (quirks: ChatQuirks, events: (object | string)[], context = contextFor('openai')) =>
  streamThrough(quirks, context, bytes(...events))
/** A whole completion as its message. */
export const whole = (quirks: ChatQuirks, answer: object, context = contextFor('openai')) =>
  answerFrom(quirks, context, Buffer.from(JSON.stringify(answer)), 'message').message
/** A completion that is no stream. */
export const completion = (said: Delta, finish = 'stop', more: object = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', ...said }, finish_reason: finish }],
  usage: { prompt_tokens: 9, completion_tokens: 3 },
  ...more,
})
/** A tool call in the provider’s words. */
export const call = (id: string, name = 'read', args: unknown = '{"a":1}') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
})
/** The types of a message’s blocks. */
export const types = ({ content }: { content: Record<string, unknown>[] }) => content.map(({ type }) => type)

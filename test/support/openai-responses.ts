/** What the tests of this dialect share: a context, and ways to push an answer through. */

import type { AnswerContext, AnswerFacts, ModelFacts, TranslatedRequest } from '../../src/core/dialect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { parseMessagesRequest } from '../../src/core/messages.ts'
import { openAiResponses } from '../../src/dialects/openai-responses/index.ts'
import { checkEventStream } from './event-stream-checker.ts'

export const minimal = { model: 'opus', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

export const parse = (body: object) => parseMessagesRequest(Buffer.from(JSON.stringify({ ...minimal, ...body })))

export function contextFor(body: object = {}, toolNames: ReadonlyMap<string, string> = new Map()): AnswerContext {
  let count = 0
  return {
    messageId: 'msg_1',
    model: 'opus',
    estimatedInputTokens: 12,
    target: { provider: 'openai', model: 'm', facts: {}, userHash: null },
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
export function streamThrough(context: AnswerContext, chunks: readonly Buffer[]): Seen {
  const stream = openAiResponses.translateStream(context)
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
export function answerFrom(context: AnswerContext, body: object | string, form: 'message' | 'events' = 'message') {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const { text, facts } = openAiResponses.fromUpstream(bytes, context, form)
  const message: Record<string, unknown> = form === 'message' ? JSON.parse(text) : checkEventStream(text).message
  return { message, facts }
}

export interface Sent {
  // biome-ignore lint/suspicious/noExplicitAny: the body is read by name, as a provider does.
  readonly body: any
  readonly notes: TranslatedRequest['notes']
  readonly toolNames: TranslatedRequest['toolNames']
  readonly path: string
}

/** A request as the provider would read it. */
export function sent(body: object, facts: ModelFacts = {}, userHash: string | null = 'h4sh'): Sent {
  const translated = openAiResponses.toUpstream(parse(body), { provider: 'openai', model: 'm', facts, userHash })
  return { ...translated, body: JSON.parse(translated.body) }
}

export const cuts: Record<string, (body: Buffer) => Buffer[]> = {
  '1 byte': (body) => Array.from(body, (byte) => Buffer.from([byte])),
  '7 bytes': (body) => Array.from({ length: Math.ceil(body.length / 7) }, (_, at) => body.subarray(at * 7, at * 7 + 7)),
  'per event': (body) =>
    body
      .toString('latin1')
      .split(/(?<=\n\n)/)
      .map((event) => Buffer.from(event, 'latin1')),
  whole: (body) => [body],
}

/** Events as the provider would send them. */
export const eventsOf = (...events: Readonly<Record<string, unknown>>[]): Buffer =>
  Buffer.from(
    events
      .map(
        (event, at) => `event: ${String(event.type)}\ndata: ${JSON.stringify({ sequence_number: at, ...event })}\n\n`,
      )
      .join(''),
  )

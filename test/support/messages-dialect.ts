/** What the tests of the Messages dialect share. */
import type { AnswerContext, AnswerFacts, ModelFacts, TranslatedRequest } from '../../src/core/dialect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { parseMessagesRequest } from '../../src/core/messages.ts'
import { anthropicMessages, type MessagesQuirks } from '../../src/dialects/anthropic/index.ts'

const minimal = { model: 'opus', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

export const parse = (body: object) => parseMessagesRequest(Buffer.from(JSON.stringify({ ...minimal, ...body })))

export function contextFor(provider: string, body: object = {}): AnswerContext {
  let made = 0
  return {
    messageId: 'msg_1',
    model: 'opus',
    estimatedInputTokens: 12,
    target: { provider, model: 'm', facts: {}, userHash: null },
    toolNames: new Map(),
    request: parse(body),
    newCallId: () => `toolu_new${made++}`,
  }
}

export interface Sent extends Pick<TranslatedRequest, 'path' | 'notes'> {
  // biome-ignore lint/suspicious/noExplicitAny: bodies are read by name in assertions.
  readonly body: any
}

export function sent(
  quirks: MessagesQuirks,
  provider: string,
  body: object,
  facts: ModelFacts = {},
  userHash: string | null = null,
): Sent {
  const request = anthropicMessages(quirks).toUpstream(parse(body), { provider, model: 'm', facts, userHash })
  return { path: request.path, notes: request.notes, body: JSON.parse(request.body) }
}

export interface Seen {
  readonly text: string
  readonly error: GatewayError | null
  readonly facts: AnswerFacts
}

/** All that came out, and the failure it ended with, as the relay would see it. */
export function streamThrough(quirks: MessagesQuirks, context: AnswerContext, chunks: readonly Buffer[]): Seen {
  const stream = anthropicMessages(quirks).translateStream(context)
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

/** The bytes in pieces of `size`, or event by event for 0. */
export function chunked(body: Buffer, size: number): readonly Buffer[] {
  if (size === 0)
    return body
      .toString('utf8')
      .split(/(?<=\n\n)/)
      .map((piece) => Buffer.from(piece))
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => body.subarray(at * size, (at + 1) * size))
}

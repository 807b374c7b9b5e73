/** What the tests of the Gemini dialect share: requests as Google would read them, and ways to push an answer through. */
import type { AnswerContext, AnswerFacts, ModelFacts, TranslatedRequest } from '../../src/core/dialect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { parseMessagesRequest } from '../../src/core/messages.ts'
import { gemini } from '../../src/dialects/gemini/index.ts'
import { checkEventStream } from './event-stream-checker.ts'

export const gemini3 = 'gemini-3-pro-preview'
export const gemini25 = 'gemini-2.5-flash'

const minimal = { model: 'opus', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

export const parse = (body: object) => parseMessagesRequest(Buffer.from(JSON.stringify({ ...minimal, ...body })))

export interface Sent {
  // biome-ignore lint/suspicious/noExplicitAny: the body is read by name, as a provider does.
  readonly body: any
  readonly path: string
  readonly notes: TranslatedRequest['notes']
  readonly toolNames: TranslatedRequest['toolNames']
}

/** A request as Google would read it. */
export function sent(body: object, model = gemini3, facts: ModelFacts = {}, dialect = gemini): Sent {
  const target = { provider: 'gemini', model, facts, userHash: 'h4sh' }
  const translated = dialect.toUpstream(parse(body), target)
  return { ...translated, body: JSON.parse(translated.body) }
}

export function contextFor(body: object = {}, toolNames: ReadonlyMap<string, string> = new Map()): AnswerContext {
  let count = 0
  return {
    messageId: 'msg_1',
    model: 'opus',
    estimatedInputTokens: 12,
    target: { provider: 'gemini', model: gemini3, facts: {}, userHash: null },
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
  const stream = gemini.translateStream(context)
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

/** Chunks as the events of a stream. */
export const events = (...chunks: readonly unknown[]): Buffer =>
  Buffer.from(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join(''))

/** A chunk of one candidate. */
export const chunkOf = (parts: readonly object[], finishReason?: string, more: object = {}): object => ({
  candidates: [{ content: { role: 'model', parts }, ...(finishReason !== undefined && { finishReason }), index: 0 }],
  ...more,
})

/** A complete stream of these chunks, put together as a client would. */
export function answered(chunks: readonly unknown[], context = contextFor()) {
  const { text, error, facts } = streamThrough(context, [events(...chunks)])
  if (error !== null) throw error
  const { complete, message } = checkEventStream(text)
  if (!complete) throw new Error('the stream is not complete')
  return { ...message, stop_reason: message.stop_reason, facts }
}

/** A whole answer, put together as a client would. */
export function answerFrom(body: Buffer, form: 'message' | 'events', context = contextFor()) {
  const { text, facts } = gemini.fromUpstream(body, context, form)
  const message: Record<string, unknown> = form === 'message' ? JSON.parse(text) : checkEventStream(text).message
  return { message, facts }
}

/** The parts of the model's turn as they go back in the next turn. */
export function goneBack(content: readonly object[], calls: readonly string[] = []) {
  const results = calls.map((id) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' }))
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content },
    { role: 'user', content: [...results, { type: 'text', text: 'b' }] },
  ]
  return sent({ messages }).body.contents[1].parts
}

/** Cuts of a body, by name. */
export const cuts: Readonly<Record<string, (body: Buffer) => Buffer[]>> = {
  '1 byte': (body) => Array.from(body, (byte) => Buffer.from([byte])),
  '7 bytes': (body) => Array.from({ length: Math.ceil(body.length / 7) }, (_, at) => body.subarray(at * 7, at * 7 + 7)),
  'per event': (body) =>
    body
      .toString('latin1')
      .split(/(?<=\r?\n\r?\n)/)
      .map((event) => Buffer.from(event, 'latin1')),
  whole: (body) => [body],
}

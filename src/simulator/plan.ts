import type { Json } from '../core/messages.ts'
import type { Directives } from './directives.ts'
import { ApiFailure, errorTypeOfStatus, failureBody } from './failures.ts'
import type { Delivered, MessageEvent } from './message-events.ts'
import type { InputSplit } from './prompt-cache.ts'
import type { Random } from './random.ts'

/** Everything about one answer, decided before its first byte: the writer only carries it out. */
export interface Plan {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds from the arrival of the request to the response head. */
  readonly headAtMs: number
  readonly parts: readonly TimedPart[]
  readonly ending: Ending
  /** The ending strikes after this many body bytes (as encoded), if the parts have not run out before. */
  readonly byteLimit: number | undefined
  readonly wire: WireForm
  readonly answer: AnswerFacts
}

export interface TimedPart {
  /** Milliseconds from the arrival of the request; never falls. */
  readonly atMs: number
  readonly text: string
}

/** `end` closes properly, `cut` closes the socket, `reset` resets it, `silence` keeps it open and says nothing more. */
export type Ending = 'end' | 'cut' | 'reset' | 'silence'

export interface WireForm {
  readonly gzip: boolean
  readonly chunkBytes: number | undefined
}

/** What was answered, for the log of served calls. Token counts are those the answer reports. */
export interface AnswerFacts {
  readonly requestId: string
  readonly model: string | null
  readonly stopReason: string | null
  readonly errorType: string | null
  readonly usage: ReportedUsage | null
}

export interface ReportedUsage extends InputSplit {
  readonly output: number
  readonly thinking: number
}

/** What a plan is made from. */
export interface AnswerDraft {
  readonly requestId: string
  readonly messageId: string
  readonly model: string
  readonly stream: boolean
  readonly split: InputSplit
  readonly delivered: Delivered
  readonly directives: Directives
  readonly ttftMs: number
  /** 0 for no pace. */
  readonly tokensPerSecond: number
  readonly headers: Readonly<Record<string, string>>
}

/** Plans an answer to POST /v1/messages, streaming or not, with the failures its directives ask for. */
export function planAnswer(draft: AnswerDraft, random: Random): Plan {
  const { directives, delivered } = draft
  const contentType = draft.stream ? 'text/event-stream; charset=utf-8' : 'application/json'
  const parts = draft.stream ? streamParts(draft, random) : bodyParts(draft)
  const faulty = applyFailure(parts, draft)
  return {
    status: 200,
    headers: {
      'content-type': contentType,
      ...(draft.stream ? { 'cache-control': 'no-cache' } : {}),
      'request-id': draft.requestId,
      ...draft.headers,
    },
    headAtMs: directives['headers-ms'] ?? (draft.stream ? draft.ttftMs : (parts[0]?.atMs ?? 0)),
    parts: faulty.parts,
    ending: faulty.ending,
    byteLimit: faulty.byteLimit,
    wire: wireForm(directives),
    answer: {
      requestId: draft.requestId,
      model: draft.model,
      stopReason: delivered.stopReason,
      errorType: faulty.errorType,
      usage: { ...draft.split, output: delivered.outputTokens, thinking: delivered.thinkingTokens },
    },
  }
}

/** Plans a refusal. */
export function planFailure(failure: ApiFailure, requestId: string, directives: Directives, atMs: number): Plan {
  const shape = directives['error-body'] ?? 'json'
  const bodies: Record<string, string> = {
    html: `<html>\r\n<head><title>${failure.status}</title></head>\r\n<body>${failure.status}</body>\r\n</html>\r\n`,
    empty: '',
  }
  const body = bodies[shape] ?? failureBody(failure, requestId)
  const optional = {
    'retry-after': failure.retryAfter,
    'x-should-retry': directives['should-retry'],
    location: directives.location,
  }
  return {
    status: failure.status,
    headers: {
      'content-type': shape === 'html' ? 'text/html' : 'application/json',
      'request-id': requestId,
      ...failure.headers,
      ...Object.fromEntries(
        Object.entries(optional).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    },
    headAtMs: atMs,
    parts: [{ atMs, text: body }],
    ending: 'end',
    byteLimit: undefined,
    wire: wireForm(directives),
    answer: { requestId, model: null, stopReason: null, errorType: failure.type, usage: null },
  }
}

/** Plans a plain JSON answer (count_tokens, models). */
export function planJson(
  body: object,
  requestId: string,
  atMs: number,
  headers: Readonly<Record<string, string>> = {},
): Plan {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'request-id': requestId, ...headers },
    headAtMs: atMs,
    parts: [{ atMs, text: JSON.stringify(body) }],
    ending: 'end',
    byteLimit: undefined,
    wire: wireForm({}),
    answer: { requestId, model: null, stopReason: null, errorType: null, usage: null },
  }
}

/** The failure that directives ask for instead of an answer; undefined when they want one, or a failure inside one. */
export function wantedFailure(directives: Directives, stream: boolean): ApiFailure | undefined {
  const { error, status, message } = directives
  if (error === undefined && status === undefined) return undefined
  const inside = directives['after-events'] !== undefined && status === undefined
  if (inside && stream) return undefined // an error event in the stream
  const type = error ?? errorTypeOfStatus(status ?? 500)
  return new ApiFailure(type, message, { status, retryAfter: directives['retry-after'] })
}

function wireForm(directives: Directives): WireForm {
  return { gzip: directives.encoding === 'gzip', chunkBytes: directives.chunk }
}

// === Bodies ===

function bodyParts(draft: AnswerDraft): TimedPart[] {
  const { delivered, tokensPerSecond } = draft
  const atMs = draft.ttftMs + (tokensPerSecond > 0 ? (delivered.outputTokens / tokensPerSecond) * 1000 : 0)
  const text = JSON.stringify({
    model: draft.model,
    id: draft.messageId,
    type: 'message',
    role: 'assistant',
    content: delivered.content,
    stop_reason: delivered.stopReason,
    stop_sequence: delivered.stopSequence,
    ...(draft.directives.usage === 'none'
      ? {}
      : { usage: { ...startUsage(draft, delivered.outputTokens), ...details(draft) } }),
  })
  return [{ atMs, text }]
}

function streamParts(draft: AnswerDraft, random: Random): TimedPart[] {
  const parts: TimedPart[] = []
  const { directives, tokensPerSecond } = draft
  let atMs = draft.ttftMs
  for (const [index, event] of allEvents(draft, random).entries()) {
    if (tokensPerSecond > 0) atMs += (event.tokens / tokensPerSecond) * 1000
    const comments = directives.comments === true && index % 2 === 1 ? ': still here\n\nretry: 3000\n' : ''
    parts.push({
      atMs,
      text: comments + frame(event, directives.padding === true ? ' '.repeat(random.integer(0, 14)) : ''),
    })
  }
  const last = parts.pop()
  if (last !== undefined) {
    parts.push(directives.unterminated === true ? { ...last, text: last.text.replace(/\n\n$/, '') } : last)
  }
  return directives.crlf === true ? parts.map((part) => ({ ...part, text: part.text.replaceAll('\n', '\r\n') })) : parts
}

function frame(event: MessageEvent, padding: string): string {
  // The real ping is the one frame with a blank inside its JSON.
  const json = event.name === 'ping' ? '{"type": "ping"}' : JSON.stringify(event.data)
  return `event: ${event.name}\ndata: ${json}${padding}\n\n`
}

const ping: MessageEvent = { name: 'ping', data: { type: 'ping' }, tokens: 0 }

/** All events of the stream in their order: message_start, blocks, message_delta, message_stop, and what is mixed in. */
function allEvents(draft: AnswerDraft, random: Random): MessageEvent[] {
  const { directives, delivered } = draft
  const events = [messageStart(draft)]
  let seenBlock = false
  for (const event of delivered.events) {
    events.push(event)
    // Recorded streams carry one ping behind the first content_block_start.
    if (!seenBlock && directives.pings === undefined) events.push(ping)
    seenBlock = true
  }
  events.push(messageDelta(draft))
  events.push({ name: 'message_stop', data: { type: 'message_stop' }, tokens: 0 })
  return mixIn(
    mixIn(events, directives.pings, () => ping),
    directives['unknown-events'],
    () => ({
      name: 'future_event',
      data: { type: 'future_event', payload: random.hex(8) },
      tokens: 0,
    }),
  )
}

function mixIn(events: MessageEvent[], every: number | undefined, make: () => MessageEvent): MessageEvent[] {
  if (every === undefined || every < 1) return events
  return events.flatMap((event, index) =>
    (index + 1) % Math.round(every) === 0 && event.name !== 'message_stop' ? [event, make()] : [event],
  )
}

function messageStart(draft: AnswerDraft): MessageEvent {
  const message = {
    model: draft.model,
    id: draft.messageId,
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...(draft.directives.usage === 'none' ? {} : { usage: startUsage(draft, 1) }),
  }
  return { name: 'message_start', data: { type: 'message_start', message }, tokens: 0 }
}

function messageDelta(draft: AnswerDraft): MessageEvent {
  const { delivered, split, directives } = draft
  const usage = {
    input_tokens: split.input,
    cache_creation_input_tokens: split.write5m + split.write1h,
    cache_read_input_tokens: split.cacheRead,
    output_tokens: delivered.outputTokens,
    ...details(draft),
  }
  const silent = directives.usage === 'none' || directives.usage === 'start-only'
  const data = {
    type: 'message_delta',
    delta: { stop_reason: delivered.stopReason, stop_sequence: delivered.stopSequence },
    ...(silent ? {} : { usage }),
  }
  return { name: 'message_delta', data, tokens: 0 }
}

function startUsage(draft: AnswerDraft, outputTokens: number): Json {
  const { split, directives } = draft
  return {
    input_tokens: split.input,
    cache_creation_input_tokens: split.write5m + split.write1h,
    cache_read_input_tokens: split.cacheRead,
    ...(directives.usage === 'no-split'
      ? {}
      : {
          cache_creation: { ephemeral_5m_input_tokens: split.write5m, ephemeral_1h_input_tokens: split.write1h },
        }),
    output_tokens: outputTokens,
    service_tier: directives['service-tier'] ?? 'standard',
    ...(directives.speed === undefined ? {} : { speed: directives.speed }),
    inference_geo: 'not_available',
  }
}

function details(draft: AnswerDraft): Json {
  const { delivered, directives } = draft
  return {
    ...(delivered.thinkingTokens > 0 ? { output_tokens_details: { thinking_tokens: delivered.thinkingTokens } } : {}),
    ...(directives['web-search'] === undefined
      ? {}
      : { server_tool_use: { web_search_requests: directives['web-search'], web_fetch_requests: 0 } }),
  }
}

// === Failures in the middle ===

interface Faulty {
  readonly parts: readonly TimedPart[]
  readonly ending: Ending
  readonly byteLimit: number | undefined
  readonly errorType: string | null
}

function applyFailure(parts: readonly TimedPart[], draft: AnswerDraft): Faulty {
  const { directives } = draft
  const after = directives['after-events']
  const kept = after === undefined ? parts : parts.slice(0, after)
  const lastAt = kept.at(-1)?.atMs ?? parts[0]?.atMs ?? 0
  if (directives.error !== undefined) {
    const failure = new ApiFailure(directives.error, directives.message)
    const text = `event: error\ndata: ${failureBody(failure, draft.requestId)}\n\n`
    const error = { atMs: lastAt, text: directives.crlf === true ? text.replaceAll('\n', '\r\n') : text }
    return { parts: [...kept, error], ending: 'end', byteLimit: undefined, errorType: failure.type }
  }
  const pause = directives['stall-ms']
  if (pause !== undefined) {
    const delayed = parts.slice(after ?? 0).map((part) => ({ ...part, atMs: part.atMs + pause }))
    return { parts: [...parts.slice(0, after ?? 0), ...delayed], ending: 'end', byteLimit: undefined, errorType: null }
  }
  const ending = wantedEnding(directives)
  if (ending === undefined) return { parts, ending: 'end', byteLimit: undefined, errorType: null }
  const bytes = directives['after-bytes']
  if (bytes !== undefined) return { parts, ending, byteLimit: bytes, errorType: null }
  if (after === undefined) return { parts: [], ending, byteLimit: undefined, errorType: null }
  if (draft.stream) return { parts: kept, ending, byteLimit: undefined, errorType: null }
  // A body that does not stream has no events; its middle is the nearest thing.
  const half = parts.reduce((sum, part) => sum + Buffer.byteLength(part.text), 0) >> 1
  return { parts, ending, byteLimit: half, errorType: null }
}

function wantedEnding(directives: Directives): Ending | undefined {
  if (directives.cut === true) return 'cut'
  if (directives.reset === true) return 'reset'
  if (directives.stall === true) return 'silence'
  return directives.end === true ? 'end' : undefined
}

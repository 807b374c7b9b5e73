/** What one line of a transcript says about a call. Pure; of what was written and answered nothing is read. */
import { isJson, type Json } from '../../../core/messages.ts'

/** One line of an assistant's message. A message has as many as it has content blocks, and again in forked sessions. */
export interface MessagePart {
  readonly kind: 'part'
  readonly messageId: string
  /** The provider's `request-id`; null in transcripts of other platforms and old versions. */
  readonly requestId: string | null
  /** Epoch milliseconds. */
  readonly at: number
  readonly model: string
  readonly requestedModel: string | null
  readonly stopReason: string | null
  /** `usage` as it stands there. */
  readonly usage: Json
  readonly sessionId: string | null
  readonly agentId: string | null
}

/** Why a line about an assistant's message is no call that can be counted. */
export type SkippedLine = 'synthetic' | 'api_error' | 'no_usage' | 'no_id' | 'no_time'

/** What a line of a transcript is to an import. */
export type TranscriptLine =
  | MessagePart
  | { readonly kind: 'skipped'; readonly reason: SkippedLine }
  /** A prompt, a tool's result, a title … */
  | { readonly kind: 'other' }
  | { readonly kind: 'broken' }

const other = { kind: 'other' } as const
const broken = { kind: 'broken' } as const
const skipped = (reason: SkippedLine) => ({ kind: 'skipped', reason }) as const

/** Before it there was no Claude Code; what is dated so is damaged. */
const earliest = Date.UTC(2024, 0, 1)
const brace = { open: 0x7b, close: 0x7d }

/** Reads counts, ids and times, and nothing of what was said. */
export function parseTranscriptLine(line: Buffer, now: number): TranscriptLine {
  const end = trimmedEnd(line)
  if (end === 0) return other
  if (line[0] !== brace.open || line[end - 1] !== brace.close) return broken
  // Prompts and tool results are the bulk of a transcript, with pictures in them; they are not worth parsing.
  if (!line.includes('"usage"') && !line.includes('"isApiErrorMessage"')) return other
  const value = parse(line)
  if (value === null) return broken
  return value.type === 'assistant' ? readAssistant(value, now) : other
}

function readAssistant(line: Json, now: number): TranscriptLine {
  if (line.isApiErrorMessage === true) return skipped('api_error')
  const message = isJson(line.message) ? line.message : null
  if (message === null) return other
  const model = text(message.model)
  // What the program itself put into the assistant's mouth ("Interrupted by user").
  if (model === '<synthetic>') return skipped('synthetic')
  if (!isJson(message.usage) || model === null) return skipped('no_usage')
  const messageId = text(message.id)
  if (messageId === null) return skipped('no_id')
  const at = typeof line.timestamp === 'string' ? Date.parse(line.timestamp) : Number.NaN
  if (!(at >= earliest && at <= now + 86_400_000)) return skipped('no_time')
  return {
    kind: 'part',
    messageId,
    requestId: text(line.requestId),
    at,
    model,
    requestedModel: text(line.requestedModel),
    stopReason: text(message.stop_reason),
    usage: message.usage,
    sessionId: text(line.sessionId),
    agentId: text(line.agentId),
  }
}

/** The directory that a line was written in, for the name of the project; null where it does not say. */
export function workingDirectoryOf(line: Buffer): string | null {
  const match = /"cwd":("(?:[^"\\]|\\.){1,4096}")/.exec(line.toString('latin1', 0, Math.min(line.length, 1 << 20)))
  if (match?.[1] === undefined) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(match[1], 'latin1').toString('utf8'))
    return typeof value === 'string' ? value : null
  } catch {
    return null // Not the name it seemed to be; the folder of the transcript has a name as well.
  }
}

function parse(line: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'))
    return isJson(value) ? value : null
  } catch {
    return null // Torn by a crash, or damaged: counted and told by who reads the file.
  }
}

/** Without a carriage return or blanks at its end. */
function trimmedEnd(line: Buffer): number {
  let end = line.length
  while (end > 0 && (line[end - 1] ?? 0) <= 0x20) end -= 1
  return end
}

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= 300 ? value : null

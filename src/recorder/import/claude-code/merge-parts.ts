import { isJson, type Json } from '../../../core/messages.ts'
import type { MessagePart } from './transcript-line.ts'

/** One message as all of its lines tell it. */
export interface TranscriptMessage extends Omit<MessagePart, 'kind'> {
  /** Epoch milliseconds of its newest line; `at` is that of its oldest. */
  readonly lastAt: number
}

/** Messages of one file that may still get lines. A message's lines stand together, so the oldest are done. */
const openLimit = 4_000

/** Joins the lines of messages. Bounded: what is over the limit is handed out, oldest first. */
export class PartMerger {
  readonly #open = new Map<string, TranscriptMessage>()

  /** The messages that must wait no longer. */
  add(part: MessagePart): TranscriptMessage[] {
    const key = messageKey(part)
    const known = this.#open.get(key)
    this.#open.set(key, known === undefined ? { ...part, lastAt: part.at } : merge(known, part))
    if (this.#open.size <= openLimit) return []
    const [oldest] = this.#open
    if (oldest === undefined) return []
    this.#open.delete(oldest[0])
    return [oldest[1]]
  }

  /** All that is left, at the end of the file. */
  rest(): TranscriptMessage[] {
    const rest = [...this.#open.values()]
    this.#open.clear()
    return rest
  }
}

/** What makes two lines tell of the same call: other tools use the same pair. */
export const messageKey = ({ messageId, requestId }: Pick<MessagePart, 'messageId' | 'requestId'>): string =>
  `${messageId}\n${requestId ?? ''}`

function merge(known: TranscriptMessage, part: MessagePart): TranscriptMessage {
  return {
    ...known,
    at: Math.min(known.at, part.at),
    lastAt: Math.max(known.lastAt, part.at),
    stopReason: part.stopReason ?? known.stopReason,
    requestedModel: known.requestedModel ?? part.requestedModel,
    usage: mergeUsage(known.usage, part.usage),
  }
}

/**
 * The best of two lines about one message. Counts only grow while an answer is streamed, and the lines written early
 * carry the placeholder of its start, so of each count the larger is the truer; of everything else the later one.
 * Nothing is ever added: both lines count the same tokens.
 */
export function mergeUsage(known: Json, later: Json): Json {
  const merged: Record<string, unknown> = { ...known }
  for (const [name, value] of Object.entries(later)) {
    const before = known[name]
    if (typeof value === 'number' && typeof before === 'number') merged[name] = Math.max(before, value)
    else if (isJson(value) && isJson(before)) merged[name] = mergeUsage(before, value)
    else if (value !== null && value !== undefined) merged[name] = value
  }
  return merged
}

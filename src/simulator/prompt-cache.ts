import { createHash } from 'node:crypto'
import { isJson, type Json } from '../core/messages.ts'
import type { MessagesRequest } from './messages-request.ts'
import { blockTokens } from './tokens.ts'

/** How the input tokens of one call divide (disjoint). */
export interface InputSplit {
  readonly input: number
  readonly cacheRead: number
  readonly write5m: number
  readonly write1h: number
}

interface Segment {
  /** Hash of everything up to and including this block. */
  readonly prefix: string
  /** Tokens up to and including this block. */
  readonly tokensUpTo: number
  readonly ttl: '5m' | '1h' | undefined
}

interface Entry {
  readonly ttlMs: number
  expiresAt: number
}

const ttlMs = { '5m': 5 * 60_000, '1h': 60 * 60_000 } as const
// The documentation's look-back window: a breakpoint finds entries at most twenty blocks before it.
const lookBackBlocks = 20
const maxEntries = 50_000
// Tokens the API adds around a conversation, and around tools.
const frameTokens = 8
const toolFrameTokens = 346

/** Shortest prefix that is cached at all, by model. Source: prompt caching documentation. */
function minCacheable(model: string): number {
  return model.includes('haiku') ? 4_096 : 1_024
}

/**
 * The provider's prompt cache: entries at the marked blocks, per credential and model, alive for their ttl after the last
 * use. Bounded: the entry unused for longest goes first.
 */
export class PromptCache {
  readonly #entries = new Map<string, Entry>()

  /** Divides the input of a call and remembers its marked prefixes. `scope` is who may share entries. */
  use(request: MessagesRequest, scope: string, now: number): InputSplit {
    const segments = segmentsOf(request, scope)
    const total = segments.at(-1)?.tokensUpTo ?? 0
    const marks = segments.flatMap((segment, index) => (segment.ttl === undefined ? [] : [index]))
    const cacheable = marks.filter((index) => (segments[index]?.tokensUpTo ?? 0) >= minCacheable(request.model))
    const hit = this.#longestHit(segments, cacheable, now)
    const read = hit === undefined ? 0 : (segments[hit]?.tokensUpTo ?? 0)
    let longEnd = read
    let shortEnd = read
    for (const index of cacheable) {
      const segment = segments[index]
      if (segment?.ttl === undefined || segment.tokensUpTo < read) continue
      if (segment.ttl === '1h') longEnd = Math.max(longEnd, segment.tokensUpTo)
      shortEnd = Math.max(shortEnd, segment.tokensUpTo)
      this.#store(segment.prefix, ttlMs[segment.ttl], now)
    }
    shortEnd = Math.max(shortEnd, longEnd)
    return { input: total - shortEnd, cacheRead: read, write5m: shortEnd - longEnd, write1h: longEnd - read }
  }

  get size(): number {
    return this.#entries.size
  }

  #longestHit(segments: readonly Segment[], marks: readonly number[], now: number): number | undefined {
    let best: number | undefined
    for (const mark of marks) {
      for (let index = mark; index >= 0 && index > mark - lookBackBlocks; index--) {
        const prefix = segments[index]?.prefix ?? ''
        const entry = this.#entries.get(prefix)
        if (entry === undefined) continue
        if (entry.expiresAt <= now) {
          this.#entries.delete(prefix)
          continue
        }
        this.#store(prefix, entry.ttlMs, now) // reading refreshes the entry
        if (best === undefined || index > best) best = index
        break
      }
    }
    return best
  }

  #store(prefix: string, ttl: number, now: number): void {
    const known = this.#entries.get(prefix)
    // An entry once written for an hour keeps its hour.
    const longest = known !== undefined && known.expiresAt > now ? Math.max(ttl, known.ttlMs) : ttl
    this.#entries.delete(prefix)
    this.#entries.set(prefix, { ttlMs: longest, expiresAt: now + longest })
    if (this.#entries.size > maxEntries) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
  }
}

/** All input tokens of a call, as count_tokens answers. */
export function countInputTokens(request: MessagesRequest): number {
  return segmentsOf(request, '').at(-1)?.tokensUpTo ?? 0
}

/** The prompt in its order of caching: tools, system, messages. */
function segmentsOf(request: MessagesRequest, scope: string): Segment[] {
  const segments: Segment[] = []
  let prefix = digest('', `${scope}\n${request.model}`)
  let tokens = frameTokens + (request.tools.length > 0 ? toolFrameTokens : 0)
  const add = (role: string, block: Json): void => {
    const { cache_control: mark, ...rest } = block
    // The attribution block changes inside a session; the real cache does not see it.
    const attribution = typeof block.text === 'string' && block.text.startsWith('x-anthropic-billing-header:')
    if (!attribution) prefix = digest(prefix, role + JSON.stringify(rest))
    tokens += blockTokens(rest)
    segments.push({ prefix, tokensUpTo: tokens, ttl: ttlOf(mark) })
  }
  for (const tool of request.tools) add('tool', tool)
  for (const block of request.system) add('system', block)
  for (const message of request.messages) for (const block of message.blocks) add(message.role, block)
  const last = segments.pop()
  if (last !== undefined) segments.push({ ...last, ttl: last.ttl ?? ttlOf(request.cacheControl) })
  return segments
}

function ttlOf(mark: unknown): '5m' | '1h' | undefined {
  if (!isJson(mark)) return undefined
  return mark.ttl === '1h' ? '1h' : '5m'
}

function digest(previous: string, text: string): string {
  return createHash('sha1').update(previous).update(text).digest('base64')
}

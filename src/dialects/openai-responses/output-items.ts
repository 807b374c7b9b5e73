import { createHash } from 'node:crypto'
import { GatewayError } from '../../core/errors.ts'
import type { MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import type { Spoken } from './spoken.ts'

/** An output item as far as it has arrived. */
interface Item {
  readonly type: string
  /** Characters that were told of each of its parts, to see what a whole part adds to its deltas. */
  readonly told: Map<string, number>
  /** Which of the two tellings of one thought is read: its own text, or the summary. */
  source: 'summary' | 'content' | null
  done: boolean
}

export interface ItemRules {
  /** The caller's name of a tool. */
  toName(providerName: string): string
  newCallId(): string
  flag(name: string): void
}

/** An answer has some items; one with more than this has gone mad. */
const itemLimit = 10_000

/**
 * Puts output items together. Deltas are told as they come; a whole part, item or response repeats them, and tells what
 * they left out, so servers that send only some of the events lose nothing.
 */
export class OutputItems {
  readonly #stream: MessageStream
  readonly #spoken: Spoken
  readonly #rules: ItemRules
  readonly #items = new Map<number, Item>()
  readonly #byId = new Map<string, number>()
  readonly #callIds = new Set<string>()
  /** Where the last event belonged, and the place of the item that began last. */
  #last = 0
  #newest = 0
  refused = false

  constructor(stream: MessageStream, spoken: Spoken, rules: ItemRules) {
    this.#stream = stream
    this.#spoken = spoken
    this.#rules = rules
  }

  get hasCalls(): boolean {
    return this.#callIds.size > 0
  }

  /** Where an event belongs: the place it names, else that of the item it names, else the last one. */
  placeOf(event: Json): number {
    if (typeof event.output_index === 'number') return event.output_index
    const known = this.#byId.get(idOf(isJson(event.item) ? event.item : { id: event.item_id }))
    if (known !== undefined) return known
    return event.type === 'response.output_item.added' ? this.#items.size : this.#last
  }

  /** An item began. */
  added(index: number, item: Json): void {
    this.#itemAt(index, item)
  }

  /** An item is whole. The last event repeats those of the stream, on some servers at other places. */
  whole(place: number, item: Json): void {
    const index = this.#byId.get(idOf(item)) ?? place
    const known = this.#itemAt(index, item)
    if (known === null || known.done) return
    known.done = true
    if (known.type === 'message') for (const [at, part] of partsIn(item.content)) this.part(index, at, part)
    else if (known.type === 'reasoning') this.#wholeReasoning(index, item)
    else if (this.#isTold(index)) {
      this.input(index, item.arguments, true)
      this.#stream.callEnd(index)
    }
  }

  /** A whole part of a message. */
  part(index: number, at: number, part: Json): void {
    if (part.type === 'output_text') this.text(index, at, part.text, true)
    else if (part.type === 'refusal') this.refusal(index, at, part.refusal, true)
    else if (part.type !== 'reasoning_text' && part.type !== 'summary_text') this.#rules.flag('unknown_content_part')
  }

  /** Text of a message; `whole` where it repeats what deltas told. */
  text(index: number, at: number, text: unknown, whole: boolean): void {
    const { rest, isFirst } = this.#rest(index, 'message', `text ${at}`, text, whole)
    if (isFirst) this.#spoken.textBegins()
    this.#spoken.text(rest)
  }

  refusal(index: number, at: number, text: unknown, whole: boolean): void {
    const { rest, isFirst } = this.#rest(index, 'message', `refusal ${at}`, text, whole)
    if (rest !== '') this.refused = true
    if (isFirst) this.#spoken.textBegins()
    this.#spoken.text(rest)
  }

  /** A piece of a thought, by its own text (`content`) or in the summary. One of the two is told. */
  thought(index: number, source: 'summary' | 'content', at: number, text: unknown, whole: boolean): void {
    const item = this.#ensure(index, 'reasoning')
    if (typeof text !== 'string' || text === '') return
    item.source ??= source
    if (item.source !== source) return
    const { rest, isFirst } = this.#rest(index, 'reasoning', `${source} ${at}`, text, whole)
    this.#spoken.thought(rest, isFirst)
  }

  /** Input of a call; some servers give it as an object, whole. */
  input(index: number, input: unknown, whole: boolean): void {
    const text = isJson(input) ? JSON.stringify(input) : input
    if (typeof text !== 'string' || text === '' || this.#spoken.stoppedBy !== null) return
    if (!this.#isTold(index)) throw badAnswer('input came for a tool call that never began')
    const { rest } = this.#rest(index, 'function_call', 'input', text, whole)
    this.#spoken.characters += rest.length
    this.#stream.callInput(index, rest)
  }

  #wholeReasoning(index: number, item: Json): void {
    for (const source of ['summary', 'content'] as const)
      for (const [at, part] of partsIn(item[source])) this.thought(index, source, at, part.text, true)
    // Behind what it led to, the provider would not take it back.
    if (this.#newest === index) this.#spoken.reasoned(item)
    else this.#rules.flag('reasoning_state_late')
  }

  /** Whether a call was begun there, and not swallowed by a stop sequence. */
  #isTold(index: number): boolean {
    return this.#items.get(index)?.type === 'function_call' && this.#spoken.stoppedBy === null
  }

  /** The item at a place, which begins now or is known; null for those that have no place in a message. */
  #itemAt(index: number, item: Json): Item | null {
    const type = String(item.type)
    const found = this.#items.get(index)
    if (found?.type === type) return found
    if (found !== undefined || (type !== 'message' && type !== 'reasoning' && type !== 'function_call')) {
      this.#rules.flag('unknown_output_item')
      return null
    }
    if (type === 'function_call') this.#beginCall(index, item)
    if (type === 'message' && typeof item.phase === 'string' && item.phase !== '') this.#spoken.phase(item.phase)
    if (idOf(item) !== '') this.#byId.set(idOf(item), index)
    return this.#ensure(index, type)
  }

  #ensure(index: number, type: string): Item {
    this.#last = index
    const found = this.#items.get(index)
    if (found !== undefined) return found
    if (this.#items.size >= itemLimit) throw badAnswer('it has too many items')
    this.#stream.begin()
    const item: Item = { type, told: new Map(), source: null, done: false }
    this.#items.set(index, item)
    this.#newest = index
    return item
  }

  /** What a delta, or the whole, adds to what was told; and whether it is the first of its part. */
  #rest(index: number, type: string, part: string, text: unknown, whole: boolean): { rest: string; isFirst: boolean } {
    const { told } = this.#ensure(index, type)
    if (typeof text !== 'string' || text === '') return { rest: '', isFirst: false }
    const known = told.get(part)
    const rest = whole ? text.slice(known ?? 0) : text
    if (known === undefined && told.size >= itemLimit) throw badAnswer('an item has too many parts')
    told.set(part, (known ?? 0) + rest.length)
    return { rest, isFirst: known === undefined }
  }

  #beginCall(index: number, item: Json): void {
    if (this.#spoken.stoppedBy !== null) return
    if (typeof item.name !== 'string' || item.name === '') throw badAnswer('a tool call has no name')
    this.#spoken.leaveForCall()
    if (this.#spoken.stoppedBy === null)
      this.#stream.call(index, this.#idFor(item.call_id), this.#rules.toName(item.name))
  }

  /** Clients take ids of letters, digits, `_` and `-`, each once in an answer. */
  #idFor(id: unknown): string {
    const told = typeof id === 'string' ? id : ''
    const mapped = () => `toolu_${createHash('sha256').update(told).digest('hex').slice(0, 24)}`
    let own = told === '' ? this.#rules.newCallId() : /^[a-zA-Z0-9_-]+$/.test(told) ? told : mapped()
    if (this.#callIds.has(own)) own = this.#rules.newCallId()
    this.#callIds.add(own)
    return own
  }
}

const idOf = (item: Json): string => (typeof item.id === 'string' ? item.id : '')

/** The parts of an item with their places. */
const partsIn = (parts: unknown): readonly (readonly [number, Json])[] =>
  Array.isArray(parts) ? parts.flatMap((part: unknown, at) => (isJson(part) ? [[at, part] as const] : [])) : []

export const badAnswer = (what: string): GatewayError =>
  new GatewayError('provider_bad_response', `The provider's answer makes no sense: ${what}.`)

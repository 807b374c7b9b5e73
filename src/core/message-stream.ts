/**
 * The order of an answer in the Messages API, once for all dialects: which block is open, what its index is, when it
 * closes. A dialect says what arrived, in the order of arrival; what comes out always satisfies the grammar
 * `message_start (content_block_start content_block_delta* content_block_stop)* message_delta message_stop`, or ends with
 * one `error`. Source: Anthropic API reference, "Streaming messages".
 */
import { GatewayError } from './errors.ts'
import type { StopReason } from './messages.ts'

/** Token counts in the wire's words. Later values replace earlier ones, field by field. */
export interface AnswerUsage {
  readonly inputTokens?: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly outputTokens?: number
  /** A subset of the output; shown, never added. */
  readonly thinkingTokens?: number
}

/** What is known of an answer before it begins. */
export interface AnswerStart {
  /** `msg_…`, ours. */
  readonly id: string
  /** The model as the caller asked for it. */
  readonly model: string
  /** Stands in `message_start`, where the truth is not known yet. */
  readonly estimatedInputTokens: number
}

export type BlockStart =
  | { readonly type: 'text' }
  | { readonly type: 'thinking' }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string }

export type BlockDelta =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string }
  | { readonly type: 'signature'; readonly signature: string }
  | { readonly type: 'input_json'; readonly json: string }

/** Where the ordered events go: an event stream, or one whole message. */
export interface AnswerWriter {
  start(start: AnswerStart): void
  blockStart(index: number, block: BlockStart): void
  blockDelta(index: number, delta: BlockDelta): void
  blockStop(index: number): void
  end(stopReason: StopReason, stopSequence: string | null, usage: AnswerUsage): void
}

/** How a call is told from others while it arrives: an index, an id, whatever the dialect has. */
export type CallKey = string | number

interface Call {
  readonly id: string
  readonly name: string
  /** What arrived while another call was open. */
  waiting: string[]
  /** All of the input, to see at the end whether it is JSON. */
  input: string
  /** Whether the provider said that the input is all there. */
  complete: boolean
  state: 'waiting' | 'open' | 'closed'
}

type Open = { readonly kind: 'text' } | { readonly kind: 'thinking' } | { readonly kind: 'call'; readonly key: CallKey }

/** An answer's tool input is held while it arrives; a provider that never ends it must not fill the memory. */
const inputLimit = 16 * 1024 * 1024

export class MessageStream {
  readonly #writer: AnswerWriter
  readonly #start: AnswerStart
  readonly #calls = new Map<CallKey, Call>()
  #started = false
  #ended = false
  #open: Open | null = null
  #index = -1
  #signature: string | null = null
  #usage: AnswerUsage = {}
  #stop: { reason: StopReason; sequence: string | null } | null = null

  constructor(writer: AnswerWriter, start: AnswerStart) {
    this.#writer = writer
    this.#start = start
  }

  /** Whether something was written: from then on the status is out, and nothing can be tried again. */
  get started(): boolean {
    return this.#started
  }

  /** Whether any call was made; `stop` needs it, since some providers say `stop` where calls exist. */
  get hasCalls(): boolean {
    return this.#calls.size > 0
  }

  /** Whether any block was opened or waits. */
  get hasContent(): boolean {
    return this.#index >= 0 || this.#calls.size > 0
  }

  get stopReason(): StopReason | null {
    return this.#stop?.reason ?? null
  }

  /** The first valid chunk arrived. Called by everything else that writes. */
  begin(): void {
    if (this.#started) return
    this.#started = true
    this.#writer.start(this.#start)
  }

  text(text: string): void {
    if (text === '') return
    this.#openBlock('text')
    this.#writer.blockDelta(this.#index, { type: 'text', text })
  }

  /** The text that is open is over: more text, should it come, is a block of its own. */
  textEnd(): void {
    if (this.#open?.kind === 'text') this.#close()
  }

  thinking(thinking: string): void {
    if (thinking === '') return
    this.#openBlock('thinking')
    this.#writer.blockDelta(this.#index, { type: 'thinking', thinking })
  }

  /**
   * Provider state that must come back in the next turn, packed as a signature. It closes with the thinking block that
   * is open, or with an empty one that is made for it. A later one replaces an earlier one of the same block.
   */
  signature(signature: string): void {
    this.#openBlock('thinking')
    this.#signature = signature
  }

  /** A call began. Its name must be known. Calls beside an open one wait: at most one block is open. */
  call(key: CallKey, id: string, name: string): void {
    if (this.#calls.has(key)) throw badAnswer('a tool call began twice')
    this.begin()
    const call: Call = { id, name, waiting: [], input: '', complete: false, state: 'waiting' }
    this.#calls.set(key, call)
    if (this.#open?.kind === 'call') return
    this.#close()
    this.#openCall(key, call)
  }

  /** A piece of a call's input, as JSON text. */
  callInput(key: CallKey, json: string): void {
    const call = this.#calls.get(key)
    if (call === undefined) throw badAnswer('input came for a tool call that never began')
    if (json === '') return
    if (call.state === 'closed') throw badAnswer('input came for a tool call that had ended')
    call.input += json
    if (call.input.length > inputLimit) throw badAnswer('the input of a tool call is too long')
    if (call.state === 'open') this.#writer.blockDelta(this.#index, { type: 'input_json', json })
    else call.waiting.push(json)
  }

  /**
   * A call's input is all there: its block closes, and the next call that waits goes out. One that is no JSON stays open
   * until it is known whether the token limit cut it off. Dialects that are not told this leave all of it to `stop`.
   */
  callEnd(key: CallKey): void {
    const call = this.#calls.get(key)
    if (call === undefined) throw badAnswer('a tool call ended that never began')
    call.complete = isObjectText(call.input)
    if (call.state !== 'open' || !call.complete) return
    this.#close()
    for (const [next, waiting] of this.#calls) {
      if (waiting.state !== 'waiting') continue
      this.#openCall(next, waiting)
      if (!waiting.complete) return
      this.#close()
    }
  }

  /** Cumulative counts; the last one told counts. Undefined keeps what was known. */
  usage(usage: AnswerUsage): void {
    const known = Object.entries(usage).filter(([, count]) => count !== undefined)
    this.#usage = { ...this.#usage, ...Object.fromEntries(known) }
  }

  /** The provider said why it ended. All blocks close; `end` follows when no usage can come any more. */
  stop(reason: StopReason, sequence: string | null = null): void {
    if (this.#stop !== null) return
    this.begin()
    this.#stop = { reason, sequence }
    // Cut off by the limit, the input of the last call may be half; it goes out as it is, and the reason says so.
    this.#close(reason !== 'max_tokens' && reason !== 'model_context_window_exceeded')
    for (const [key, call] of this.#calls) {
      if (call.state !== 'waiting') continue
      this.#openCall(key, call)
      this.#close(reason !== 'max_tokens' && reason !== 'model_context_window_exceeded')
    }
  }

  /** The upstream's answer is complete. Throws `provider_stream_cut` where it never said why it ended. */
  end(): void {
    if (this.#ended) return
    if (this.#stop === null)
      throw new GatewayError('provider_stream_cut', 'The answer ended without saying why: it is not complete.')
    this.#ended = true
    this.#writer.end(this.#stop.reason, this.#stop.sequence, this.#usage)
  }

  #openBlock(kind: 'text' | 'thinking'): void {
    if (this.#stop !== null) throw badAnswer('content came after the end')
    if (this.#open?.kind === kind) return
    this.begin()
    this.#close()
    this.#index += 1
    this.#open = { kind }
    this.#writer.blockStart(this.#index, { type: kind })
  }

  #openCall(key: CallKey, call: Call): void {
    this.#index += 1
    this.#open = { kind: 'call', key }
    call.state = 'open'
    this.#writer.blockStart(this.#index, { type: 'tool_use', id: call.id, name: call.name })
    for (const json of call.waiting) this.#writer.blockDelta(this.#index, { type: 'input_json', json })
    call.waiting = []
  }

  #close(mustBeWhole = true): void {
    const open = this.#open
    if (open === null) return
    if (open.kind === 'call') {
      const call = this.#calls.get(open.key)
      // A client would act on an input that was repaired; so it is told instead, before the block closes.
      if (mustBeWhole && call !== undefined && !isObjectText(call.input))
        throw badAnswer('the input of a tool call is not JSON')
      if (call !== undefined) call.state = 'closed'
    }
    if (open.kind === 'thinking' && this.#signature !== null)
      this.#writer.blockDelta(this.#index, { type: 'signature', signature: this.#signature })
    this.#signature = null
    this.#open = null
    this.#writer.blockStop(this.#index)
  }
}

const badAnswer = (what: string): GatewayError =>
  new GatewayError('provider_bad_response', `The provider's answer makes no sense: ${what}.`)

/** Empty means no input, which the Messages API reads as `{}`. */
function isObjectText(text: string): boolean {
  if (text === '') return true
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

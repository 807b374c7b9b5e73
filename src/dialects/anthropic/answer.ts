import type { AnswerContext, AnswerFacts } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { type AnswerWriter, MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json, type StopReason } from '../../core/messages.ts'
import { packState } from '../shared/provider-state.ts'
import { parsedJson } from '../shared/told-error.ts'
import { errorIn } from './failure.ts'
import type { MessagesQuirks } from './quirks.ts'
import { count, toUsage } from './usage.ts'

const stopReasons: ReadonlySet<string> = new Set<StopReason>([
  ...(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'pause_turn', 'refusal'] as const),
  'model_context_window_exceeded',
])
/** Thinking of one block that goes back next turn; more would fill the memory. */
const stateLimit = 4 * 1024 * 1024

/** Another provider's Messages answer, event by event, put in order and in the caller's names. */
export class MessagesAnswer {
  readonly #stream: MessageStream
  readonly #context: AnswerContext
  readonly #quirks: MessagesQuirks
  readonly #flags = new Set<string>()
  /** What the open blocks are, by their index at the provider. */
  readonly #blocks = new Map<number, 'text' | 'thinking' | 'tool_use' | 'other'>()
  #thinking = { text: '', signature: '' }
  #usageReported = false
  #servedModel: string | null = null
  #costUsd: number | null = null
  #stopSequence: string | null = null
  done = false

  constructor(writer: AnswerWriter, context: AnswerContext, quirks: MessagesQuirks) {
    this.#context = context
    this.#quirks = quirks
    this.#stream = new MessageStream(writer, {
      id: context.messageId,
      model: context.model,
      estimatedInputTokens: context.estimatedInputTokens,
    })
  }

  get facts(): AnswerFacts {
    return {
      usageReported: this.#usageReported,
      servedModel: this.#servedModel,
      costUsd: this.#costUsd,
      flags: [...this.#flags],
    }
  }

  event(name: string, data: Buffer): void {
    if (data.toString('latin1').trim() === '[DONE]') return
    const value = parsedJson(data)
    if (!isJson(value)) throw badAnswer('an event is not a JSON object')
    const error = errorIn(name === 'error' ? { ...value, type: 'error' } : value)
    if (error !== null) throw error
    switch (value.type ?? name) {
      case 'message_start':
        return this.#start(value.message)
      case 'content_block_start':
        return this.#blockStart(indexOf(value), value.content_block)
      case 'content_block_delta':
        return this.#delta(indexOf(value), value.delta)
      case 'content_block_stop':
        return this.#blockStop(indexOf(value))
      case 'message_delta':
        return this.#messageDelta(value)
      case 'message_stop':
        return this.end()
    }
  }

  /** A whole message. */
  message(value: Json): void {
    const error = errorIn(value)
    if (error !== null) throw error
    if (!Array.isArray(value.content)) throw badAnswer('a message without content')
    this.#start(value)
    value.content.forEach((block: unknown, index) => {
      this.#blockStart(index, block)
      if (isJson(block) && block.type === 'tool_use')
        this.#stream.callInput(index, JSON.stringify(isJson(block.input) ? block.input : {}))
      if (isJson(block) && typeof block.signature === 'string') this.#thinking.signature = block.signature
      this.#blockStop(index)
    })
    this.#messageDelta({ delta: value, usage: value.usage })
    this.end()
  }

  end(): void {
    this.#stream.end()
    this.done = true
  }

  #start(message: unknown): void {
    if (!isJson(message)) throw badAnswer('it begins without a message')
    if (typeof message.model === 'string' && message.model !== '') this.#servedModel = message.model
    this.#tell(message.usage)
    this.#stream.begin()
  }

  #blockStart(index: number, block: unknown): void {
    if (!isJson(block)) throw badAnswer('a block without a type')
    const { type } = block
    if (type === 'text') {
      this.#blocks.set(index, 'text')
      if (typeof block.text === 'string') this.#stream.text(block.text)
    } else if (type === 'thinking') {
      this.#blocks.set(index, 'thinking')
      this.#thinking = { text: '', signature: '' }
      if (typeof block.thinking === 'string') this.#think(block.thinking)
    } else if (type === 'tool_use') {
      this.#blocks.set(index, 'tool_use')
      if (typeof block.name !== 'string' || block.name === '') throw badAnswer('a tool call has no name')
      const id =
        typeof block.id === 'string' && /^[a-zA-Z0-9_-]+$/.test(block.id) ? block.id : this.#context.newCallId()
      this.#stream.call(index, id, this.#context.toolNames.get(block.name) ?? block.name)
    } else {
      this.#blocks.set(index, 'other')
      this.#flags.add('unknown_block')
    }
  }

  #delta(index: number, delta: unknown): void {
    if (!isJson(delta)) throw badAnswer('an empty delta')
    const kind = this.#blocks.get(index)
    if (kind === undefined) throw badAnswer('a delta of a block that never began')
    if (kind === 'text' && typeof delta.text === 'string') this.#stream.text(delta.text)
    else if (kind === 'thinking' && typeof delta.thinking === 'string') this.#think(delta.thinking)
    else if (kind === 'thinking' && typeof delta.signature === 'string') this.#thinking.signature += delta.signature
    else if (kind === 'tool_use' && typeof delta.partial_json === 'string')
      this.#stream.callInput(index, delta.partial_json)
  }

  #think(text: string): void {
    if (this.#thinking.text.length < stateLimit) this.#thinking.text += text
    this.#stream.thinking(text)
  }

  #blockStop(index: number): void {
    const kind = this.#blocks.get(index)
    this.#blocks.delete(index)
    if (kind === 'tool_use') this.#stream.callEnd(index)
    if (kind !== 'thinking') return
    const { text, signature } = this.#thinking
    const state = { ...(text !== '' && { text }), ...(signature !== '' && { signature }) }
    if (Object.keys(state).length > 0) this.#stream.signature(packState(this.#context.target.provider, state))
  }

  #messageDelta({ delta, usage }: Json): void {
    this.#tell(usage)
    if (!isJson(delta) || typeof delta.stop_reason !== 'string') return
    this.#stopSequence = typeof delta.stop_sequence === 'string' ? delta.stop_sequence : null
    for (const index of [...this.#blocks.keys()]) this.#blockStop(index)
    this.#stream.stop(this.#stopReason(delta.stop_reason), this.#stopSequence)
  }

  #stopReason(told: string): StopReason {
    const { hasCalls, hasContent } = this.#stream
    if (told === 'tool_use' && !hasCalls) {
      // A client would wait for a call that never was.
      this.#flags.add('finish_without_calls')
      return 'end_turn'
    }
    if (told === 'end_turn' && hasCalls) return 'tool_use'
    if (stopReasons.has(told)) return told as StopReason // one of the set's words
    if (!hasContent) throw badAnswer('an empty answer ended for a reason unknown')
    this.#flags.add('unknown_finish')
    return hasCalls ? 'tool_use' : 'end_turn'
  }

  #tell(usage: unknown): void {
    const told = toUsage(usage)
    if (told === null) return
    if (isJson(usage) && this.#quirks.cost !== null) this.#costUsd = count(usage, this.#quirks.cost) ?? this.#costUsd
    // Servers that count at the end begin with zeros.
    if (told.inputTokens === 0 && (told.outputTokens ?? 0) === 0 && (told.cacheReadTokens ?? 0) === 0) return
    this.#usageReported = true
    this.#stream.usage(told.inputTokens === 0 && (told.cacheReadTokens ?? 0) === 0 ? withoutInput(told) : told)
  }
}

/** A closing count that leaves the input out, or at zero, does not take back what was told before. */
function withoutInput<Usage extends { inputTokens?: number }>(usage: Usage): Omit<Usage, 'inputTokens'> {
  const { inputTokens: _zero, ...rest } = usage
  return rest
}

function indexOf(value: Json): number {
  return typeof value.index === 'number' ? value.index : 0
}

const badAnswer = (what: string): GatewayError =>
  new GatewayError('provider_bad_response', `The provider's answer makes no sense: ${what}.`)

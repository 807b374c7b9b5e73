import type { AnswerContext, AnswerFacts } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { type AnswerWriter, MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { prefillOf } from '../shared/blocks.ts'
import { packState } from '../shared/provider-state.ts'
import { EchoFilter } from '../shared/text-filters.ts'
import { errorIn } from './failure.ts'
import { toStop } from './finish.ts'
import type { ChatQuirks } from './quirks.ts'
import { ReasoningState, reasoningIn, thinkingPartText } from './reasoning.ts'
import { ThinkTags } from './think-tags.ts'
import { ToolCalls } from './tool-calls.ts'
import { toUsage } from './usage.ts'

/**
 * Reads an answer piece by piece: the chunks of a stream, or one whole completion, which is a chunk with a `message` in
 * place of a `delta`. What arrives goes to the `MessageStream` in the order of arrival.
 */
export class ChatAnswer {
  readonly #stream: MessageStream
  readonly #context: AnswerContext
  readonly #quirks: ChatQuirks
  readonly #calls: ToolCalls
  readonly #thoughts = new ReasoningState()
  readonly #tags: ThinkTags | null
  readonly #echo: EchoFilter
  readonly #flags = new Set<string>()
  /** Whether thoughts are for the caller's eyes; hidden ones come as a signature alone. */
  readonly #thoughtsShown: boolean
  #open: 'none' | 'thinking' | 'text' | 'call' = 'none'
  #lastThought = ''
  #sawReasoning = false
  #sawChunk = false
  #sawChoice = false
  #refused = false
  #finish: string | null = null
  #stopSequence: string | null = null
  #usage: Json | null = null
  #costUsd: number | null = null
  #servedModel: string | null = null
  #characters = 0

  constructor(writer: AnswerWriter, context: AnswerContext, quirks: ChatQuirks) {
    const { messageId: id, model, estimatedInputTokens, request, toolNames } = context
    this.#stream = new MessageStream(writer, { id, model, estimatedInputTokens })
    this.#context = context
    this.#quirks = quirks
    this.#calls = new ToolCalls(this.#stream, {
      toName: (name) => toolNames.get(name) ?? name,
      newCallId: () => context.newCallId(),
      beforeCall: () => this.#leaveFor('call'),
    })
    this.#tags = quirks.thinkTags ? new ThinkTags() : null
    this.#echo = new EchoFilter(prefillOf(request.messages.at(-1)))
    const { thinking } = request.fields
    this.#thoughtsShown = !(isJson(thinking) && thinking.display === 'omitted')
  }

  get facts(): AnswerFacts {
    return {
      usageReported: this.#usage !== null,
      servedModel: this.#servedModel,
      costUsd: this.#costUsd,
      flags: [...this.#flags],
    }
  }

  /** A chunk of a stream, or a whole completion. `eventName` is that of its event. */
  chunk(chunk: unknown, eventName = ''): void {
    if (!isJson(chunk)) throw badAnswer('a chunk is no object')
    this.#sawChunk = true
    if (this.#servedModel === null && typeof chunk.model === 'string' && chunk.model !== '')
      this.#servedModel = chunk.model
    this.#keepUsage(chunk.usage)
    if (isJson(chunk.x_groq)) this.#keepUsage(chunk.x_groq.usage)
    const error = errorIn(chunk, eventName)
    if (error !== null) throw error
    if (chunk.choices === null && !isJson(chunk.usage)) throw badAnswer('it has no choices')
    if (!Array.isArray(chunk.choices)) return
    for (const choice of chunk.choices) if (isJson(choice)) this.#choice(choice)
  }

  /** All has arrived. Throws where the answer is not complete. */
  end(): void {
    if (!this.#sawChoice) {
      if (this.#sawChunk) throw badAnswer('it has no choices')
      throw new GatewayError('provider_stream_cut', 'The answer ended before it began.')
    }
    this.#flushText()
    if (this.#calls.lost) throw badAnswer('a tool call has no name')
    // Half a call stays the last thing said: a block behind it would make it look whole.
    const isCut = this.#open === 'call' && (this.#finish === 'length' || this.#finish === 'model_length')
    if (!this.#thoughts.isEmpty && !isCut) this.#sign()
    if (this.#echo.removed) this.#flags.add('prefill_echo_removed')
    if (this.#finish !== null) {
      const ended = toStop({
        finish: this.#finish,
        stopSequence: this.#stopSequence,
        hasCalls: this.#calls.any,
        hasContent: this.#stream.hasContent,
        refused: this.#refused,
      })
      if (ended.flag !== null) this.#flags.add(ended.flag)
      this.#stream.stop(ended.reason, ended.sequence)
    }
    this.#tellUsage()
    this.#stream.end()
  }

  /** Calls that were found elsewhere than in a chunk, instead of whatever ended the answer. */
  endWithCalls(calls: readonly Json[]): void {
    this.#sawChoice = true
    this.#flags.add('call_recovered')
    this.#flushText()
    for (const call of calls) this.#calls.piece(call, true)
    this.#finish = 'tool_calls'
    this.end()
  }

  #choice(choice: Json): void {
    if (typeof choice.index === 'number' && choice.index > 0) {
      this.#flags.add('more_choices')
      return
    }
    this.#sawChoice = true
    this.#keepUsage(choice.usage)
    // Some streams end with the whole message again beside the last delta.
    const whole = !isJson(choice.delta)
    const piece = whole ? choice.message : choice.delta
    this.#stream.begin()
    if (isJson(piece)) this.#piece(piece, whole)
    const { finish_reason: finish, stop_reason: sequence } = choice
    if (typeof finish !== 'string' || finish === '') return
    this.#finish = finish
    const { stop_sequences: wanted } = this.#context.request.fields
    if (typeof sequence === 'string' && Array.isArray(wanted) && wanted.includes(sequence))
      this.#stopSequence = sequence
    // These two say that nothing good comes any more: told at once, not at the end.
    if (finish === 'error' || finish === 'insufficient_system_resource')
      toStop({ finish, stopSequence: null, hasCalls: false, hasContent: false, refused: false })
  }

  #piece(piece: Json, whole: boolean): void {
    const { text, details } = reasoningIn(piece)
    if (this.#quirks.reasoningBack === 'reasoning_details') for (const detail of details) this.#addDetail(detail)
    if (text !== '' && !this.#isRepeated(text)) this.#thought(text)
    this.#content(piece.content)
    if (typeof piece.refusal === 'string' && piece.refusal !== '') {
      this.#refused = true
      this.#flushText()
      this.#text(piece.refusal)
    }
    if (Array.isArray(piece.tool_calls)) for (const call of piece.tool_calls) this.#call(call, whole)
    // The older form, of one call an answer.
    if (isJson(piece.function_call)) this.#call({ index: 0, function: piece.function_call }, whole)
  }

  #content(content: unknown): void {
    if (typeof content === 'string') return this.#arrived(content)
    if (!Array.isArray(content)) return
    for (const part of content) {
      if (!isJson(part)) continue
      if (part.type === 'thinking') this.#thought(thinkingPartText(part))
      else if (typeof part.text === 'string') this.#arrived(part.text)
      else this.#flags.add('unknown_content_part')
    }
  }

  /** Content text, in which reasoning and an echoed prefill may hide. */
  #arrived(text: string): void {
    if (text === '') return
    if (this.#tags === null || this.#sawReasoning) return this.#text(this.#echo.push(text))
    for (const piece of this.#tags.push(text)) this.#sorted(piece)
  }

  #sorted(piece: { kind: 'text' | 'thinking'; text: string }): void {
    if (piece.kind === 'text') this.#text(this.#echo.push(piece.text))
    else this.#thought(piece.text, false)
  }

  #flushText(): void {
    for (const piece of this.#tags?.finish() ?? []) this.#sorted(piece)
    this.#text(this.#echo.flush())
  }

  #text(text: string): void {
    if (text === '') return
    this.#leaveFor('text')
    this.#characters += text.length
    this.#stream.text(text)
  }

  #thought(text: string, beside = true): void {
    if (text === '') return
    if (beside) this.#sawReasoning = true
    this.#leaveFor('thinking')
    this.#characters += text.length
    this.#thoughts.addText(text)
    if (this.#thoughtsShown) this.#stream.thinking(text)
  }

  #addDetail(detail: unknown): void {
    this.#thoughts.addDetail(detail)
  }

  /** Whether a piece of reasoning is the last one again (xAI). */
  #isRepeated(text: string): boolean {
    const repeated = this.#quirks.repeatsReasoning && text === this.#lastThought
    this.#lastThought = text
    return repeated
  }

  #call(call: unknown, whole: boolean): void {
    this.#flushText()
    this.#calls.piece(call, whole)
  }

  /** Content of another kind begins: a thinking block closes with its state. Not in the middle of a call. */
  #leaveFor(kind: 'thinking' | 'text' | 'call'): void {
    if (this.#open === kind) return
    if (kind !== 'thinking' && this.#open !== 'call' && !this.#thoughts.isEmpty) this.#sign()
    this.#open = kind
  }

  #sign(): void {
    this.#stream.signature(packState(this.#context.target.provider, this.#thoughts.take()))
  }

  #keepUsage(usage: unknown): void {
    if (!isJson(usage)) return
    const told = toUsage(usage, this.#quirks.usage)
    if (told === null) return
    this.#usage = usage
    this.#costUsd = told.costUsd
    if (told.disagrees) this.#flags.add('usage_total_disagrees')
    this.#stream.usage(told.tokens)
  }

  /** About four characters a token, where the provider tells nothing. */
  #tellUsage(): void {
    if (this.#usage !== null) return
    this.#flags.add('usage_estimated')
    this.#stream.usage({ outputTokens: Math.ceil(this.#characters / 4) })
  }
}

const badAnswer = (what: string): GatewayError =>
  new GatewayError('provider_bad_response', `The provider's answer makes no sense: ${what}.`)

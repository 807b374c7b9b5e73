import type { AnswerContext, AnswerFacts } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { type AnswerWriter, MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { errorIn } from './failure.ts'
import { toStop } from './finish.ts'
import { badAnswer, OutputItems } from './output-items.ts'
import { Spoken } from './spoken.ts'
import { totalDisagrees, toUsage } from './usage.ts'

/** Reads an answer: the events of a stream, or one whole response, which is what the last event of a stream carries. */
export class ResponsesAnswer {
  readonly #stream: MessageStream
  readonly #spoken: Spoken
  readonly #items: OutputItems
  readonly #flags = new Set<string>()
  #sawEvent = false
  #done = false
  #usageReported = false
  #servedModel: string | null = null

  constructor(writer: AnswerWriter, context: AnswerContext) {
    const { messageId: id, model, estimatedInputTokens, toolNames } = context
    this.#stream = new MessageStream(writer, { id, model, estimatedInputTokens })
    this.#spoken = new Spoken(this.#stream, context)
    this.#items = new OutputItems(this.#stream, this.#spoken, {
      toName: (name) => toolNames.get(name) ?? name,
      newCallId: () => context.newCallId(),
      flag: (name) => this.#flags.add(name),
    })
  }

  get facts(): AnswerFacts {
    const flags = [...this.#flags]
    return { usageReported: this.#usageReported, servedModel: this.#servedModel, costUsd: null, flags }
  }

  /** True once the answer is complete. */
  get done(): boolean {
    return this.#done
  }

  /** An event of a stream. Nothing is written before the first output item: a failure until then keeps its status. */
  event(event: Json): void {
    this.#sawEvent = true
    const { content_index: part, delta, item } = event
    const index = this.#items.placeOf(event)
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        return this.#keepModel(event.response)
      case 'response.output_item.added':
        return isJson(item) ? this.#items.added(index, item) : undefined
      case 'response.output_item.done':
        return isJson(item) ? this.#items.whole(index, item) : undefined
      case 'response.content_part.done':
        return isJson(event.part) ? this.#items.part(index, numberOf(part), event.part) : undefined
      case 'response.output_text.delta':
        return this.#items.text(index, numberOf(part), delta, false)
      case 'response.output_text.done':
        return this.#items.text(index, numberOf(part), event.text, true)
      case 'response.refusal.delta':
        return this.#items.refusal(index, numberOf(part), delta, false)
      case 'response.refusal.done':
        return this.#items.refusal(index, numberOf(part), event.refusal, true)
      case 'response.reasoning_summary_text.delta':
        return this.#items.thought(index, 'summary', numberOf(event.summary_index), delta, false)
      case 'response.reasoning_summary_text.done':
        return this.#items.thought(index, 'summary', numberOf(event.summary_index), event.text, true)
      case 'response.reasoning_text.delta':
        return this.#items.thought(index, 'content', numberOf(part), delta, false)
      case 'response.reasoning_text.done':
        return this.#items.thought(index, 'content', numberOf(part), event.text, true)
      case 'response.function_call_arguments.delta':
        return this.#items.input(index, delta, false)
      case 'response.function_call_arguments.done':
        return this.#items.input(index, event.arguments, true)
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return this.#last(event)
    }
  }

  /** The last event names the response's status twice; the name stands in where the object has none. */
  #last(event: Json): void {
    if (!isJson(event.response)) throw badAnswer('its last event holds no response')
    const status = String(event.type).slice('response.'.length)
    this.response({ ...event.response, status: event.response.status ?? status })
  }

  /** A whole response: all that there is, or what the events before it left out. */
  response(response: Json): void {
    this.#sawEvent = true
    this.#keepModel(response)
    this.#keepUsage(response.usage)
    if (response.status === 'failed') toStop({ response, hasCalls: false, hasContent: false, refused: false })
    const error = errorIn({ error: response.error })
    if (error !== null) throw error
    if (Array.isArray(response.output))
      response.output.forEach((item: unknown, index) => {
        if (isJson(item)) this.#items.whole(index, item)
      })
    else if (!this.#stream.started) throw badAnswer('it has no output')
    this.#end(response)
  }

  /** The stream ended; without its last event the answer is not complete. */
  end(): void {
    if (this.#done) return
    const what = this.#sawEvent ? 'before it was complete' : 'before it began'
    throw new GatewayError('provider_stream_cut', `The answer ended ${what}.`)
  }

  #end(response: Json): void {
    this.#spoken.flush()
    const { hasCalls, refused } = this.#items
    const ended = toStop({ response, hasCalls, hasContent: this.#stream.hasContent, refused })
    if (ended.flag !== null) this.#flags.add(ended.flag)
    if (this.#spoken.echoRemoved) this.#flags.add('prefill_echo_removed')
    const { stoppedBy } = this.#spoken
    if (stoppedBy === null) this.#stream.stop(ended.reason)
    else this.#stream.stop('stop_sequence', stoppedBy)
    if (!this.#usageReported) {
      // About four characters a token, where the provider tells nothing.
      this.#flags.add('usage_estimated')
      this.#stream.usage({ outputTokens: Math.ceil(this.#spoken.characters / 4) })
    }
    this.#stream.end()
    this.#done = true
  }

  #keepModel(response: unknown): void {
    if (isJson(response) && typeof response.model === 'string' && response.model !== '')
      this.#servedModel = response.model
  }

  #keepUsage(usage: unknown): void {
    const told = isJson(usage) ? toUsage(usage) : null
    if (!isJson(usage) || told === null) return
    this.#usageReported = true
    if (totalDisagrees(usage)) this.#flags.add('usage_total_disagrees')
    this.#stream.usage(told)
  }
}

/** A part's place; servers that leave it out have one part. */
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

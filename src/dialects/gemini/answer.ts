import type { AnswerContext, AnswerFacts } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { type AnswerWriter, MessageStream } from '../../core/message-stream.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { prefillOf } from '../shared/blocks.ts'
import { EchoFilter } from '../shared/text-filters.ts'
import { CalledTools } from './called-tools.ts'
import { errorIn } from './failure.ts'
import { failureOfFinish, toStop } from './finish.ts'
import { packSigned, type Signed } from './signatures.ts'
import { mayEndWithThinking } from './trailing-state.ts'
import { toUsage } from './usage.ts'

/**
 * Reads an answer piece by piece: the chunks of a stream, or one whole answer, which is a chunk as well. Parts go to the
 * `MessageStream` in the order of arrival.
 */
export class GeminiAnswer {
  readonly #stream: MessageStream
  readonly #tools: CalledTools
  readonly #echo: EchoFilter
  readonly #flags = new Set<string>()
  /** Whether thoughts are for the caller's eyes; hidden ones leave their signatures alone. */
  readonly #thoughtsShown: boolean
  readonly #mayEndWithThinking: boolean
  #open: 'none' | 'thinking' | 'text' | 'call' = 'none'
  /** Signatures of the thinking block that is open, and how many characters it has. */
  #signed: Signed[] = []
  #thoughtLength = 0
  /** Characters of the text block that is open. */
  #textLength = 0
  /** Signatures that wait for the next thinking block: one opens where something follows. */
  #waiting: Signed[] = []
  #calls = 0
  #sawChunk = false
  #sawCandidate = false
  #blocked = false
  #finish: string | null = null
  #usage: Json | null = null
  #servedModel: string | null = null
  #characters = 0

  constructor(writer: AnswerWriter, context: AnswerContext) {
    const { messageId: id, model, estimatedInputTokens, request } = context
    this.#stream = new MessageStream(writer, { id, model, estimatedInputTokens })
    this.#tools = new CalledTools(context)
    this.#echo = new EchoFilter(prefillOf(request.messages.at(-1)))
    const { thinking } = request.fields
    this.#thoughtsShown = !(isJson(thinking) && thinking.display === 'omitted')
    this.#mayEndWithThinking = mayEndWithThinking(request)
  }

  get facts(): AnswerFacts {
    return {
      usageReported: this.#usage !== null,
      servedModel: this.#servedModel,
      costUsd: null,
      flags: [...this.#flags],
    }
  }

  chunk(chunk: unknown): void {
    if (!isJson(chunk)) throw badAnswer('a chunk is no object')
    const error = errorIn(chunk)
    if (error !== null) throw error
    this.#sawChunk = true
    if (typeof chunk.modelVersion === 'string' && chunk.modelVersion !== '') this.#servedModel ??= chunk.modelVersion
    this.#keepUsage(chunk.usageMetadata)
    const { promptFeedback, candidates } = chunk
    if (isJson(promptFeedback) && isReason(promptFeedback.blockReason)) this.#blocked = true
    if (!Array.isArray(candidates)) return
    for (const candidate of candidates) if (isJson(candidate)) this.#candidate(candidate)
  }

  /** All has arrived. Throws where the answer is not complete. */
  end(): void {
    if (!this.#sawChunk) throw new GatewayError('provider_stream_cut', 'The answer ended before it began.')
    if (!this.#sawCandidate && !this.#blocked) throw badAnswer('it has no candidates')
    if (this.#finish === null && !this.#blocked) return this.#stream.end()
    this.#flushEcho()
    this.#endState()
    if (this.#echo.removed) this.#flags.add('prefill_echo_removed')
    const { hasCalls, hasContent } = this.#stream
    const ended =
      this.#finish === null
        ? ({ reason: 'refusal', flag: 'prompt_blocked' } as const)
        : toStop(this.#finish, { hasCalls, hasContent })
    if (ended.flag !== null) this.#flags.add(ended.flag)
    this.#stream.stop(ended.reason)
    this.#tellUsage()
    this.#stream.end()
  }

  #candidate(candidate: Json): void {
    if (typeof candidate.index === 'number' && candidate.index > 0) {
      this.#flags.add('more_candidates')
      return
    }
    this.#sawCandidate = true
    const { content, finishReason, finishMessage } = candidate
    const detail = typeof finishMessage === 'string' ? finishMessage : null
    const failure = isReason(finishReason) ? failureOfFinish(finishReason, detail) : null
    if (failure !== null) throw failure
    if (isJson(content) && Array.isArray(content.parts)) this.#parts(content.parts.filter(isJson))
    this.#stream.begin()
    // Parts may still follow, so the blocks close at the end alone.
    if (isReason(finishReason)) this.#finish = finishReason
    if (isJson(candidate.groundingMetadata)) this.#flags.add('grounding_dropped')
  }

  #parts(parts: readonly Json[]): void {
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at] as Json // in range by the loop's bound
      if (isJson(part.functionCall)) this.#call(part.functionCall, signatureOf(part))
      else if (part.thought === true) this.#thought(part)
      else if (isText(part)) {
        const after = parts.findIndex((other, index) => index > at && !isText(other))
        const run = parts.slice(at, after < 0 ? parts.length : after)
        this.#textRun(run)
        at += run.length - 1
      } else this.#flags.add('unknown_part')
    }
  }

  /** Texts one after the other. Signatures go before them where they can, for clients that show the last block alone. */
  #textRun(run: readonly Json[]): void {
    const on = this.#open === 'text' ? 'last' : 'next'
    let at = on === 'last' ? this.#textLength : 0
    let text = ''
    for (const part of run) {
      const words = typeof part.text === 'string' ? part.text : ''
      const signature = signatureOf(part)
      if (signature !== null) this.#waiting.push({ on, at, length: words.length, signature })
      at += words.length
      text += words
    }
    this.#text(this.#echo.push(text))
  }

  #text(text: string): void {
    if (text === '') return
    if (this.#open !== 'text') {
      this.#placeWaiting()
      this.#open = 'text'
      this.#textLength = 0
    }
    this.#textLength += text.length
    this.#characters += text.length
    this.#stream.text(text)
  }

  #flushEcho(): void {
    this.#text(this.#echo.flush())
  }

  #thought(part: Json): void {
    const text = this.#thoughtsShown && typeof part.text === 'string' ? part.text : ''
    const signature = signatureOf(part)
    if (text === '' && signature === null) return
    this.#flushEcho()
    this.#placeWaiting()
    const isNew = this.#openThinking()
    this.#characters += text.length
    this.#stream.thinking(text)
    if (signature !== null) this.#sign([{ on: 'thought', at: this.#thoughtLength, length: text.length, signature }])
    // Every thinking block says whose it is: ours must be known as such wherever the conversation goes next.
    else if (isNew) this.#sign([])
    this.#thoughtLength += text.length
  }

  #call(call: Json, signature: string | null): void {
    this.#flushEcho()
    const { id, name, input } = this.#tools.read(call)
    if (signature !== null) this.#waiting.push({ on: 'call', id, signature })
    this.#placeWaiting()
    this.#open = 'call'
    this.#calls += 1
    this.#stream.call(this.#calls, id, name)
    this.#stream.callInput(this.#calls, input)
    // Calls come whole: what follows stands behind, in the order of arrival.
    this.#stream.callEnd(this.#calls)
  }

  #openThinking(): boolean {
    if (this.#open === 'thinking') return false
    this.#open = 'thinking'
    this.#signed = []
    this.#thoughtLength = 0
    return true
  }

  #placeWaiting(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    this.#openThinking()
    this.#sign(waiting)
  }

  #sign(signed: readonly Signed[]): void {
    this.#signed.push(...signed)
    this.#stream.signature(packSigned(this.#signed))
  }

  /** Signatures behind the last text: optional for Gemini, and harmful to some clients. */
  #endState(): void {
    if (this.#waiting.length === 0) return
    if (this.#open === 'text' && !this.#mayEndWithThinking) {
      this.#waiting = []
      this.#flags.add('last_signature_dropped')
    } else this.#placeWaiting()
  }

  /** Counts are cumulative: a later one replaces an earlier one, field by field. */
  #keepUsage(usage: unknown): void {
    if (!isJson(usage)) return
    const known = { ...this.#usage, ...usage }
    const told = toUsage(known)
    if (told === null) return
    this.#usage = known
    this.#stream.usage(told.tokens)
  }

  /** About four characters a token, where the provider tells nothing. */
  #tellUsage(): void {
    if (this.#usage === null) {
      this.#flags.add('usage_estimated')
      this.#stream.usage({ outputTokens: Math.ceil(this.#characters / 4) })
    } else if (toUsage(this.#usage)?.disagrees === true) this.#flags.add('usage_total_disagrees')
  }
}

const isReason = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !value.endsWith('_UNSPECIFIED')

const signatureOf = ({ thoughtSignature }: Json): string | null =>
  typeof thoughtSignature === 'string' && thoughtSignature !== '' ? thoughtSignature : null

/** Text of the answer, or a signature that stands alone. */
const isText = (part: Json): boolean =>
  part.thought !== true &&
  (typeof part.text === 'string' || (signatureOf(part) !== null && Object.keys(part).length === 1))

const badAnswer = (what: string): GatewayError =>
  new GatewayError('provider_bad_response', `The provider's answer makes no sense: ${what}.`)

/**
 * Counts one answer in the Messages dialect, from stream events or from a whole body. Merge rule (Anthropic streaming
 * reference): `message_start` has the input side, each `message_delta.usage` is cumulative; a non-null later value
 * replaces an earlier one, null or absent keeps it, nothing is ever added.
 */
import type { InterToken } from './exchange.ts'
import { isJson, type Json } from './messages.ts'
import { noUsage, type ServerToolUse, type Usage, type UsageSource } from './usage.ts'

/** JSON around the text of a `content_block_delta`; what is longer than that was generated. A floor, by design. */
const deltaEnvelopeBytes = 80
const charactersPerToken = 4

/** What a meter learned, at the end. */
export interface Metered {
  readonly usage: Usage
  readonly usageSource: UsageSource
  readonly usageFlags: readonly string[]
  readonly serverToolUse: ServerToolUse | null
  readonly model: string | null
  readonly stopReason: string | null
  readonly serviceTier: string | null
  readonly speed: string | null
  readonly inferenceGeo: string | null
  /** Absent where fewer than two pieces came one after the other. */
  readonly interTokenMs?: InterToken
}

const text = (value: unknown, limit = 200): string | null => (typeof value === 'string' ? value.slice(0, limit) : null)
const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null

const round3 = (ms: number): number => Math.round(ms * 1_000) / 1_000

function parse(data: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    return isJson(value) ? value : null
  } catch {
    return null // A torn or foreign event: the tap must not disturb the stream; the record shows what was understood.
  }
}

/** Reads usage, model and stop reason from the events of one answer as they pass. */
export class UsageMeter {
  readonly #usage: Record<string, unknown> = {}
  #started = false
  #stopped = false
  #streamedBytes = 0
  #model: string | null = null
  #stopReason: string | null = null
  #errorType: string | null = null
  #errorMessage: string | null = null
  /** Monotonic milliseconds of the first generated token; null before. */
  firstTokenAt: number | null = null
  #lastTokenAt = 0
  #gaps = 0
  #longestGap = 0

  /** One stream event; `at` is monotonic milliseconds. Only the few events that carry facts are parsed. */
  event(name: string, data: Buffer, at: number): void {
    switch (name) {
      case 'content_block_delta':
        this.#tokenAt(at)
        // Signatures are long and were not generated as text.
        if (data.length < 400 || data.indexOf('"signature_delta"') < 0) {
          this.#streamedBytes += Math.max(0, data.length - deltaEnvelopeBytes)
        }
        return
      case 'message_start': {
        const message = parse(data)?.message
        if (isJson(message)) this.#readMessage(message)
        return
      }
      case 'message_delta': {
        const event = parse(data)
        if (event === null) return
        if (isJson(event.delta)) this.#stopReason = text(event.delta.stop_reason) ?? this.#stopReason
        if (isJson(event.usage)) this.#merge(event.usage)
        return
      }
      case 'message_stop':
        this.#stopped = true
        return
      case 'error':
        this.#readError(data)
    }
  }

  /** Events of one piece have one time, and no distance between them. */
  #tokenAt(at: number): void {
    if (this.firstTokenAt === null) this.firstTokenAt = at
    else if (at > this.#lastTokenAt) {
      this.#gaps += 1
      this.#longestGap = Math.max(this.#longestGap, at - this.#lastTokenAt)
    }
    this.#lastTokenAt = at
  }

  /** The whole body of an answer that is no stream. */
  body(data: Buffer): void {
    const message = parse(data)
    if (message === null) return
    this.#readMessage(message)
    this.#stopReason = text(message.stop_reason)
    // Answers without `usage` (a model list, a deleted file) are complete as well; they just cost no tokens.
    this.#stopped = true
  }

  /** A whole error body, or the data of an `error` event. */
  #readError(data: Buffer): void {
    const error = parse(data)?.error
    this.#errorType = (isJson(error) ? text(error.type, 60) : null) ?? 'unknown_error'
    this.#errorMessage = isJson(error) ? text(error.message) : null
  }

  /** `message_stop` was seen, or a whole body was read. */
  get complete(): boolean {
    return this.#stopped
  }

  /** The provider's own error inside a 200 stream. */
  get streamError(): { readonly type: string; readonly message: string | null } | null {
    return this.#errorType === null ? null : { type: this.#errorType, message: this.#errorMessage }
  }

  #readMessage(message: Json): void {
    this.#started = true
    this.#model = text(message.model)
    if (isJson(message.usage)) this.#merge(message.usage)
  }

  #merge(later: Json): void {
    for (const [name, value] of Object.entries(later))
      if (value !== null && value !== undefined) this.#usage[name] = value
  }

  /** `requestBytes` feeds the estimate where a cut stream told nothing at all. */
  result(): Metered {
    const flags: string[] = []
    const usage = this.#buckets(flags)
    const known = this.#started && Object.keys(this.#usage).length > 0
    const streamed = Math.ceil(this.#streamedBytes / charactersPerToken)
    const partial = known && !this.#stopped
    const serverTools = this.#usage.server_tool_use
    return {
      usage: partial ? { ...usage, output: Math.max(usage.output, streamed) } : usage,
      usageSource: !known ? 'none' : partial ? 'partial' : 'reported',
      usageFlags: flags,
      serverToolUse: isJson(serverTools)
        ? {
            webSearchRequests: count(serverTools.web_search_requests) ?? 0,
            webFetchRequests: count(serverTools.web_fetch_requests) ?? 0,
          }
        : null,
      model: this.#model,
      stopReason: this.#stopReason,
      serviceTier: text(this.#usage.service_tier, 40),
      speed: text(this.#usage.speed, 40),
      inferenceGeo: text(this.#usage.inference_geo, 40),
      ...(this.#gaps > 0 && {
        interTokenMs: {
          mean: round3((this.#lastTokenAt - (this.firstTokenAt ?? 0)) / this.#gaps),
          max: round3(this.#longestGap),
        },
      }),
    }
  }

  #buckets(flags: string[]): Usage {
    const raw = this.#usage
    const written = count(raw.cache_creation_input_tokens)
    const split = isJson(raw.cache_creation) ? raw.cache_creation : null
    const oneHour = count(split?.ephemeral_1h_input_tokens) ?? 0
    let fiveMinutes = count(split?.ephemeral_5m_input_tokens) ?? 0
    if (written !== null && written > fiveMinutes + oneHour) {
      // The final count grows past the split of message_start, or there is no split: the rest has the short lifetime.
      flags.push(split === null ? 'no_split' : 'write_split_inferred')
      fiveMinutes = written - oneHour
    }
    const output = count(raw.output_tokens) ?? noUsage.output
    const details = raw.output_tokens_details
    const reasoning = isJson(details) ? count(details.thinking_tokens) : null
    if (reasoning !== null && reasoning > output) flags.push('parts_exceed_whole')
    return {
      input: count(raw.input_tokens) ?? 0,
      output,
      cacheRead: count(raw.cache_read_input_tokens) ?? 0,
      cacheWrite5m: fiveMinutes,
      cacheWrite1h: oneHour,
      reasoning: reasoning === null ? null : Math.min(reasoning, output),
    }
  }
}

/**
 * A wire format other than Anthropic's. A dialect is pure: it knows no socket, no clock and no configuration but what it
 * is handed, and `toUpstream` may be called again for another try. Native targets have none: their bytes pass untouched.
 */
import type { GatewayError } from './errors.ts'
import type { MessagesRequest } from './messages.ts'

/**
 * What a model can do, as far as a translation has to know; from the dated table of its provider. Undefined means that
 * nothing is known, and then the request is sent as it would be to the provider's newest models.
 */
export interface ModelFacts {
  /** Most tokens an answer may have; more is clamped, and noted. */
  readonly maxOutputTokens?: number
  readonly images?: boolean
  readonly documents?: boolean
  /** Words the model accepts as effort, from low to high. Empty: none may be sent. */
  readonly efforts?: readonly string[]
  /** Takes `developer` messages, `max_completion_tokens`, and no sampling parameters (OpenAI's reasoning models). */
  readonly reasoning?: boolean
  /** Most stop sequences it takes; 0 where it refuses them. */
  readonly stopSequences?: number
  /** Whether it takes a JSON schema for its answer; without, the schema goes into the prompt. */
  readonly jsonSchema?: boolean
  /** Whether it takes `cache_control` marks in the Messages API's form (some models behind OpenRouter). */
  readonly cacheControl?: boolean
  /** The provider's own generation mark where a rule depends on it, e.g. 3 for Gemini 3. */
  readonly generation?: number
}

/** The target as a dialect sees it. */
export interface TranslationTarget {
  /** Name of the provider's type, e.g. `groq`: quirks of one provider hang on it. */
  readonly provider: string
  /** The model's name at the provider. */
  readonly model: string
  readonly facts: ModelFacts
  /** A keyed hash that stands for the end user, for providers that want one; null to send none. */
  readonly userHash: string | null
}

/**
 * Something that did not reach the provider as it was. `what` is a field or block of the Messages API in a bounded set of
 * words (`top_k`, `tool:web_search`, `block:document`), `how` what was done with it. Counted, and listed on the exchange.
 */
export interface TranslationNote {
  readonly what: string
  readonly how: 'converted' | 'dropped' | 'clamped'
}

/** A request in the dialect's words. */
export interface TranslatedRequest {
  /** Path and query under the target's base address, beginning with `/`. */
  readonly path: string
  /** The body as JSON text. */
  readonly body: string
  readonly notes: readonly TranslationNote[]
  /** Tool names as the provider knows them, to the caller's names; only those that were changed. */
  readonly toolNames: ReadonlyMap<string, string>
}

/** What an answer has to be told to become the caller's. */
export interface AnswerContext {
  /** Id for the message, `msg_…`. */
  readonly messageId: string
  /** The model as the caller asked for it. */
  readonly model: string
  readonly estimatedInputTokens: number
  readonly target: TranslationTarget
  readonly toolNames: ReadonlyMap<string, string>
  /** The tools of the request by the caller's names, for what must be converted back in the answer. */
  readonly request: MessagesRequest
  /** A new id for a call that came without one: `toolu_…`. */
  newCallId(): string
}

/** What is known of an answer besides its text. */
export interface AnswerFacts {
  /** Whether the provider told any counts; without them the record says that they are estimated. */
  readonly usageReported: boolean
  /** The model that answered, as the provider named it; null where it did not. */
  readonly servedModel: string | null
  /** What the provider says the call cost, in USD; null where it does not (all but OpenRouter). */
  readonly costUsd: number | null
  /** Things that were not as they should be, in bounded words, e.g. `calls_without_finish`. Counted, listed on the exchange. */
  readonly flags: readonly string[]
}

/**
 * A stream on its way through. `push` and `finish` give event-stream text, maybe empty. They throw a `GatewayError` where
 * the answer is an error, breaks the protocol, or (in `finish`) is not complete; what was returned before stands.
 */
export interface StreamTranslation {
  push(chunk: Buffer): string
  finish(): string
  /** As far as known; final after `finish`. */
  readonly facts: AnswerFacts
  /**
   * Set where the answer failed behind what the last `push` returned: that text goes out first, then this is told. So what
   * comes out does not hang on how the bytes were cut. A dialect without it throws instead.
   */
  readonly failure?: GatewayError | null
}

/** A whole answer in the caller's form. */
export interface TranslatedAnswer {
  readonly text: string
  readonly facts: AnswerFacts
}

/** A wire format as the data plane sees it: requests one way, answers, streams and failures the other. */
export interface Dialect {
  readonly name: string
  /** Throws `caller_invalid_request` where dropping a part would change the meaning; the message names the place. */
  toUpstream(request: MessagesRequest, target: TranslationTarget): TranslatedRequest
  /**
   * A whole answer (status below 400) as one message, or as the events of a stream: some providers answer a stream request
   * with a body. Throws like a stream does, also where the body is an error under status 200.
   */
  fromUpstream(body: Buffer, context: AnswerContext, form: 'message' | 'events'): TranslatedAnswer
  translateStream(context: AnswerContext): StreamTranslation
  /**
   * What an error answer means. The message is safe to store (no secrets, no prompt text); `shown` is for the caller alone.
   * `nowMs` is epoch milliseconds, for dates in `retry-after`.
   */
  toFailure(status: number, headers: readonly string[], body: Buffer, nowMs: number): GatewayError
  /**
   * Some error answers hold what the model said (Groq's `failed_generation`); where that is an answer after all, this is it.
   * Null where the error is one.
   */
  recover?(status: number, body: Buffer, context: AnswerContext, form: 'message' | 'events'): TranslatedAnswer | null
}

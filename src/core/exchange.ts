/**
 * The one record that everything is made of. The data plane writes `ExchangeOpened` to the journal when a call is
 * about to leave for its provider and `ExchangeClosed` at its end; both are plain JSON. Ledger rows, metrics, log lines,
 * live events and spans are views of it.
 */
import type { ErrorType } from './errors.ts'
import type { ServerToolUse, Usage, UsageSource } from './usage.ts'

/** What was called, a closed set: it becomes a metric label and a column. */
export type Endpoint = 'messages' | 'count_tokens' | 'models' | 'passthrough'

/** The path shown for an endpoint in logs and as the `route` label. */
export const routeOf: Readonly<Record<Endpoint, string>> = {
  messages: '/v1/messages',
  count_tokens: '/v1/messages/count_tokens',
  models: '/v1/models',
  passthrough: 'other',
}

/**
 * How an exchange ended, decided at the END of its stream. `cancelled`: the caller left. `interrupted`: the gateway
 * itself died with the call in flight; the row is made from the journal afterwards.
 */
export type Outcome =
  | 'ok'
  | 'caller_error'
  | 'policy_refused'
  | 'provider_error'
  | 'gateway_error'
  | 'cancelled'
  | 'interrupted'

/** The facts known when a call starts; all of them are repeated on the closing record, which stands for itself. */
export interface ExchangeStart {
  /** UUID version 7; its time part is `openedAt`. Also sent to the caller as `x-signalbox-request-id`. */
  readonly id: string
  /** Epoch milliseconds of the first byte of the request head. */
  readonly openedAt: number
  readonly method: string
  /** Path without query, at most 256 characters. */
  readonly path: string
  readonly endpoint: Endpoint
  readonly domain: string
  /** Id of the client key (`k_…`), never the key; null for keyless loopback callers. */
  readonly keyId: string | null
  /** Name of the upstream credential that pays; null while none was chosen. */
  readonly account: string | null
  readonly provider: string | null
  /** The model the caller asked for, at most 200 characters; null where the call has none. */
  readonly requestedModel: string | null
  readonly streaming: boolean
  readonly sessionId: string | null
  readonly agentId: string | null
  readonly parentAgentId: string | null
  readonly requestBytes: number
}

export interface ExchangeOpened extends ExchangeStart {
  readonly kind: 'opened'
}

export interface ExchangeClosed extends ExchangeStart {
  readonly kind: 'closed'
  readonly closedAt: number
  /** The outcome as a status: what was sent, but 499 where the caller left, 502/504/529/… where a 200 stream broke. */
  readonly statusCode: number
  readonly outcome: Outcome
  readonly errorType: ErrorType | null
  /** At most 200 characters, no secrets and no prompt text. */
  readonly errorMessage: string | null
  /** True where the failure came after the first response byte reached the caller. */
  readonly failedAfterFirstByte: boolean
  /** Status of the last upstream answer; null where none answered. */
  readonly upstreamStatus: number | null
  readonly upstreamRequestId: string | null
  /** The model that answered, as the provider named it. */
  readonly model: string | null
  readonly stopReason: string | null
  readonly attempts: number
  /** Wall milliseconds, three decimals at most. `overheadMs` is what is left after time spent waiting for others. */
  readonly durationMs: number
  readonly ttftMs: number | null
  readonly upstreamMs: number | null
  readonly overheadMs: number
  /** Between the pieces of a stream; absent where fewer than two came, and in older journals. */
  readonly interTokenMs?: InterToken
  readonly responseBytes: number
  readonly usage: Usage
  readonly usageSource: UsageSource
  /** Reasons why the counts deserve a second look: `write_split_inferred`, `no_split`, `parts_exceed_whole`, … */
  readonly usageFlags: readonly string[]
  readonly serverToolUse: ServerToolUse | null
  readonly serviceTier: string | null
  readonly speed: string | null
  readonly inferenceGeo: string | null
  /** `anthropic-ratelimit-*`, `anthropic-priority-*`, `anthropic-fast-*` and `retry-after` as they came. */
  readonly rateLimitHeaders: Readonly<Record<string, string>> | null
  /** Null where there is nothing to tell: no rule claimed the call, and the first try at the default provider answered. */
  readonly routing: RoutingRecord | null
}

/** Milliseconds between one piece of generated text and the next: all of a stream on average, and the longest. */
export interface InterToken {
  readonly mean: number
  readonly max: number
}

/** Why an exchange went where it went. Lists are bounded, and their words have no blanks in them. */
export interface RoutingRecord {
  /** The rule's name; `explicit`, `alias` or `default` where none claimed the call. */
  readonly rule: string
  /** The target of the last try, `provider/model` (`*`: the model as it was asked for); null where none was tried. */
  readonly target: string | null
  /** Tries without an answer, and targets passed over, in order: `openai/gpt-5:503`, `groq/*:circuit_open`. */
  readonly tried: readonly string[]
  /** The target of the session's last call for this model, where this one went elsewhere: its prompt cache was left behind there. */
  readonly movedFrom: string | null
  /** What a translation did not carry as it was: `dropped:top_k`. */
  readonly notes: readonly string[]
}

export type ExchangeEvent = ExchangeOpened | ExchangeClosed

/** Money and its origin, added by the recorder. USD, nine decimals at most. */
export interface Priced {
  readonly costUsd: number
  /** Which price row was used: `genai-prices`, `override`, `default` (unknown model), `free`, or `none` (no usage). */
  readonly priceSource: PriceSource
  /** What the cost is made of, unrounded; absent where nothing was priced, and not kept in the ledger. */
  readonly costParts?: CostParts
}

/** USD by what was charged: the five buckets of tokens, and units: searches and requests as such. */
export type CostParts = Readonly<
  Record<'input' | 'output' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h' | 'units', number>
>

export type PriceSource = 'genai-prices' | 'override' | 'default' | 'free' | 'none'

export type RecordedExchange = ExchangeClosed & Priced

/** `wire`: measured by this gateway. `import`: told by the records of another program, and never counted with the former. */
export type ExchangeSource = 'wire' | 'import'

/** An exchange that another program wrote down; nobody need have timed it. */
export interface ImportedExchange extends Omit<RecordedExchange, 'durationMs' | 'overheadMs'> {
  readonly durationMs: number | null
  readonly overheadMs: number | null
}

/**
 * Someone told about exchanges, in the order of the journal: metrics, the log, live events. An observer must not
 * throw and must not wait; the recorder calls it before the ledger has the row, so it works while the database is away.
 */
export interface ExchangeObserver {
  exchangeOpened(exchange: ExchangeOpened): void
  exchangeClosed(exchange: RecordedExchange): void
}

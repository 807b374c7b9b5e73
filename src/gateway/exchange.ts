import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { AnswerFacts, TranslationNote } from '../core/dialect.ts'
import { type ErrorType, errorTable, type Fault, type GatewayError } from '../core/errors.ts'
import type { Endpoint, ExchangeClosed, ExchangeStart, Outcome, RoutingRecord } from '../core/exchange.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Credential } from '../core/upstream.ts'
import { noUsage } from '../core/usage.ts'
import { type Metered, UsageMeter } from '../core/usage-meter.ts'
import { nameWithoutKey, withoutSecrets } from '../core/without-secrets.ts'

type ChosenName = 'path' | 'domain' | 'requestedModel' | 'sessionId' | 'agentId' | 'parentAgentId'

/** One client call while it lives: what the stages have learned so far. At its end it becomes one immutable record. */
export class Exchange {
  readonly id: string
  readonly openedAt: number
  readonly startedAt: number
  readonly meter = new UsageMeter()
  domain = 'unknown'
  keyId: string | null = null
  account: string | null = null
  provider: string | null = null
  requestedModel: string | null = null
  streaming = false
  sessionId: string | null = null
  agentId: string | null = null
  parentAgentId: string | null = null
  body: Buffer | null = null
  requestBytes = 0
  /** The caller's own provider credential, where one came beside or instead of a gateway key. */
  callerCredential: Credential | null = null
  attempts = 0
  upstreamStatus: number | null = null
  upstreamRequestId: string | null = null
  rateLimitHeaders: Record<string, string> | null = null
  responseBytes = 0
  /** Milliseconds spent waiting for the caller's body and for the provider; the rest of the time is ours. */
  bodyMs = 0
  upstreamMs: number | null = null
  readonly routing = new Routing()
  /** A keyed hash of the caller's user id, for providers that want one; null where there is none. */
  userHash: string | null = null
  /** What a translation did with the request, and what it learned of the answer; none for the native dialect. */
  translationNotes: readonly TranslationNote[] = []
  answerFacts: AnswerFacts | null = null
  /** The model as its provider knows it, where a translation asked for it; the answer shows the caller's own word. */
  targetModel: string | null = null
  /** Whether an event of ours may follow in the answer's stream without tearing a frame; null before a stream began. */
  mayAppendEvent: (() => boolean) | null = null
  closed = false
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly endpoint: Endpoint
  readonly path: string
  readonly method: string
  readonly clock: Clock

  constructor(request: IncomingMessage, response: ServerResponse, endpoint: Endpoint, clock: Clock) {
    this.request = request
    this.response = response
    this.endpoint = endpoint
    this.clock = clock
    this.openedAt = clock.now()
    this.startedAt = clock.monotonic()
    this.id = uuidv7(this.openedAt)
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    this.path = (query < 0 ? url : url.slice(0, query)).slice(0, 256)
    this.method = request.method ?? 'GET'
  }

  /** The names that callers chose, looked through once for both records: none of them changes after the first. */
  #names: Pick<ExchangeStart, ChosenName> | null = null

  /** Callers put keys where a name belongs; what is recorded has none. */
  start(): ExchangeStart {
    this.#names ??= {
      path: nameWithoutKey(this.path),
      domain: nameWithoutKey(this.domain),
      requestedModel: keyless(this.requestedModel),
      sessionId: keyless(this.sessionId),
      agentId: keyless(this.agentId),
      parentAgentId: keyless(this.parentAgentId),
    }
    return {
      id: this.id,
      openedAt: this.openedAt,
      method: this.method,
      path: this.#names.path,
      endpoint: this.endpoint,
      domain: this.#names.domain,
      keyId: this.keyId,
      account: this.account,
      provider: this.provider,
      requestedModel: this.#names.requestedModel,
      streaming: this.streaming,
      sessionId: this.#names.sessionId,
      agentId: this.#names.agentId,
      parentAgentId: this.#names.parentAgentId,
      requestBytes: this.requestBytes,
    }
  }

  /** The closing record. `failure` null means that the answer ended as the protocol wants. */
  close(statusCode: number, failure: Failure | null): ExchangeClosed {
    const durationMs = this.clock.monotonic() - this.startedAt
    const metered = this.meter.result()
    // An upstream error costs nothing, whatever its body looks like (refused before work began).
    const worked = this.upstreamStatus !== null && this.upstreamStatus < 400
    return {
      kind: 'closed',
      ...this.start(),
      closedAt: this.openedAt + Math.round(durationMs),
      statusCode,
      outcome: failure === null ? 'ok' : outcomeOf(failure.type),
      errorType: failure?.type ?? null,
      errorMessage: failure === null ? null : withoutSecrets(failure.message).slice(0, 200),
      failedAfterFirstByte: failure !== null && this.responseBytes > 0,
      upstreamStatus: this.upstreamStatus,
      upstreamRequestId: this.upstreamRequestId,
      attempts: this.attempts,
      durationMs: round3(durationMs),
      ttftMs: this.meter.firstTokenAt === null ? null : round3(this.meter.firstTokenAt - this.startedAt),
      upstreamMs: this.upstreamMs === null ? null : round3(this.upstreamMs),
      overheadMs: round3(Math.max(0, durationMs - this.bodyMs - (this.upstreamMs ?? 0))),
      responseBytes: this.responseBytes,
      ...metered,
      ...this.#translated(metered),
      ...(worked ? {} : { usage: noUsage, usageSource: 'none' as const }),
      rateLimitHeaders: this.rateLimitHeaders,
      routing: this.routing.record(this.translationNotes, worked),
    }
  }

  /** Where an answer was translated, the meter saw what the caller saw; the record says what the provider said. */
  #translated(metered: Metered): Partial<ExchangeClosed> {
    if (this.targetModel === null) return { model: keyless(metered.model) }
    const model = nameWithoutKey(this.answerFacts?.servedModel ?? this.targetModel)
    if (this.answerFacts === null) return { model }
    const { usageReported, flags } = this.answerFacts
    return {
      model,
      usageFlags: [...metered.usageFlags, ...flags],
      ...(!usageReported && metered.usageSource !== 'none' && { usageSource: 'estimated' as const }),
    }
  }
}

/** Why an exchange went where it went. */
export class Routing {
  /** The rule that claimed it; `default` where none did. */
  rule = 'default'
  /** The target of the last try, `provider/model`. */
  place = ''
  /** What did not answer, and why, in order: `openai/gpt-5:503`. Bounded. */
  readonly tried: string[] = []
  /** Where the session's last call went, if elsewhere: a prompt cache is left behind there. */
  movedFrom: string | null = null

  /** Null where there is nothing to tell, which keeps the records of most gateways small. */
  record(translation: readonly TranslationNote[], worked: boolean): RoutingRecord | null {
    const { rule, place, tried } = this
    // A call that nobody answered moved nothing.
    const movedFrom = worked ? this.movedFrom : null
    if (rule === 'default' && tried.length === 0 && movedFrom === null && translation.length === 0) return null
    return {
      rule,
      target: place === '' ? null : nameWithoutKey(place),
      tried: tried.map(asWord),
      movedFrom: keyless(movedFrom),
      notes: translation.slice(0, notesLimit).map(({ what, how }) => asWord(`${how}:${what}`)),
    }
  }
}

const keyless = (name: string | null): string | null => (name === null ? null : nameWithoutKey(name))

const notesLimit = 24

/** Callers name models as they like; a word of the record has no blanks. Cut in the middle: the reason stands at the end. */
function asWord(text: string): string {
  const word = nameWithoutKey(text).replaceAll(/[\s\p{Cc}]+/gu, '_')
  return word.length <= 100 ? word : `${word.slice(0, 69)}…${word.slice(-30)}`
}

/** Why an exchange failed, safe to store: no secrets, no prompt text. */
export interface Failure {
  readonly type: ErrorType
  readonly message: string
}

const outcomes: Readonly<Record<Fault, Outcome>> = {
  caller: 'caller_error',
  policy: 'policy_refused',
  provider: 'provider_error',
  gateway: 'gateway_error',
}

function outcomeOf(type: ErrorType): Outcome {
  return type === 'caller_cancelled' ? 'cancelled' : outcomes[errorTable[type].fault]
}

/** What the record keeps of an error: not what its caller was shown. */
export const failureOf = (error: GatewayError): Failure => ({ type: error.type, message: error.message })

const round3 = (ms: number): number => Math.round(ms * 1000) / 1000

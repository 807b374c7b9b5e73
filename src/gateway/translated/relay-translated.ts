import type { AnswerContext, Dialect, StreamTranslation, TranslatedAnswer } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamHandler, UpstreamRequest } from '../../core/upstream.ts'
import { readAnswerHead } from '../../wire/headers.ts'
import { type AnswerTap, answerTap } from '../answer-tap.ts'
import { closeExchange } from '../close-exchange.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { judgeAnswer } from '../judge-answer.ts'
import { requestIdHeader, routeHeader, routeText } from '../relay.ts'

/** A whole answer, or an error's body, is kept to be translated; more than this is no answer of a model. */
const bodyLimitBytes = 32 * 1024 * 1024
/** Clients and proxies between give silence up; the grammar has an event for that. */
const pingMs = 15_000
const pingEvent = 'event: ping\ndata: {"type":"ping"}\n\n'

type Failure = UpstreamFailure | GatewayError

/**
 * The pump of translated answers. Nothing reaches the caller before the first valid piece of the answer, so that a failure
 * until then keeps its own status, and may be tried elsewhere. Resolves with null when the exchange is closed.
 */
export function relayTranslated(
  exchange: Exchange,
  request: UpstreamRequest,
  gateway: Gateway,
  dialect: Dialect,
  context: AnswerContext,
): Promise<Failure | null> {
  return new Promise((resolve) => {
    const pump = new TranslatedPump(exchange, gateway, dialect, context, resolve)
    pump.call = gateway.upstream.send(request, pump)
    if (exchange.response.destroyed) pump.onGone()
  })
}

/** What the answer turned out to be: a stream is translated as it comes, everything else when it is whole. */
type Form = 'unknown' | 'stream' | 'whole' | 'failure'

class TranslatedPump implements UpstreamHandler {
  call: UpstreamCall | null = null
  readonly #exchange: Exchange
  readonly #gateway: Gateway
  readonly #dialect: Dialect
  readonly #context: AnswerContext
  readonly #resolve: (failure: Failure | null) => void
  readonly #sentAt: number
  #form: Form = 'unknown'
  #status = 0
  #headers: string[] = []
  #stream: StreamTranslation | null = null
  #kept: Buffer[] = []
  #keptBytes = 0
  #tap: AnswerTap | null = null
  #lastWriteAt = 0
  #pinger: NodeJS.Timeout | null = null
  #settled = false

  constructor(
    exchange: Exchange,
    gateway: Gateway,
    dialect: Dialect,
    context: AnswerContext,
    resolve: (failure: Failure | null) => void,
  ) {
    this.#exchange = exchange
    this.#gateway = gateway
    this.#dialect = dialect
    this.#context = context
    this.#resolve = resolve
    this.#sentAt = exchange.clock.monotonic()
    exchange.response.on('close', this.onGone).on('drain', this.#onDrain)
  }

  onHeaders(status: number, rawHeaders: string[]): void {
    const head = readAnswerHead(rawHeaders)
    this.#status = status
    this.#headers = head.headers
    this.#exchange.upstreamStatus = status
    this.#exchange.upstreamRequestId = head.requestId
    this.#exchange.rateLimitHeaders = head.rateLimits
    if (status >= 400) this.#form = 'failure'
    else if (!this.#exchange.streaming) this.#form = 'whole'
  }

  onData(chunk: Buffer): boolean {
    if (this.#settled) return true
    // Some providers answer a stream request with a body, errors above all, whatever the content type says.
    if (this.#form === 'unknown') this.#form = firstByteOf(chunk) === 0x7b ? 'whole' : this.#startStream()
    if (this.#stream === null) return this.#keep(chunk)
    try {
      const mayGoOn = this.#send(this.#stream.push(chunk))
      if (this.#stream.failure != null) this.#fail(this.#stream.failure)
      return mayGoOn
    } catch (error) {
      this.#fail(error)
      return true
    }
  }

  #startStream(): Form {
    this.#stream = this.#dialect.translateStream(this.#context)
    return 'stream'
  }

  #keep(chunk: Buffer): boolean {
    this.#keptBytes += chunk.length
    if (this.#keptBytes <= bodyLimitBytes) this.#kept.push(chunk)
    else this.#fail(new GatewayError('provider_bad_response', 'The provider’s answer is too long.'))
    return true
  }

  onEnd(): void {
    if (this.#settled) return
    try {
      if (this.#form === 'failure') {
        const body = Buffer.concat(this.#kept)
        const form = this.#exchange.streaming ? 'events' : 'message'
        const answer = this.#dialect.recover?.(this.#status, body, this.#context, form) ?? null
        if (answer !== null) return this.#complete(answer)
        return this.#fail(this.#dialect.toFailure(this.#status, this.#headers, body, this.#exchange.clock.now()))
      }
      this.#finish()
    } catch (error) {
      this.#fail(error)
    }
  }

  #finish(): void {
    // An empty answer to a stream request is a stream that broke off before its first event.
    if (this.#form === 'unknown') this.#form = this.#startStream()
    if (this.#stream !== null) {
      const text = this.#stream.finish()
      return this.#complete({ text, facts: this.#stream.facts })
    }
    const form = this.#exchange.streaming ? 'events' : 'message'
    this.#complete(this.#dialect.fromUpstream(Buffer.concat(this.#kept), this.#context, form))
  }

  /** The last of the answer is here; what it was is told, and the exchange closes. */
  #complete({ text, facts }: TranslatedAnswer): void {
    this.#send(text)
    const tap = this.#tap
    if (tap === null || !this.#settle()) return
    tap.finish()
    this.#exchange.answerFacts = facts
    const verdict = judgeAnswer(this.#exchange, tap)
    closeExchange(this.#exchange, this.#gateway, verdict.status, verdict.failure, () => {
      if (!this.#exchange.response.destroyed) this.#exchange.response.end()
      this.#resolve(null)
    })
  }

  /** Translated text goes the same way as native bytes: past the tap, to the caller. */
  #send(text: string): boolean {
    if (text === '') return true
    const bytes = Buffer.from(text)
    if (this.#tap === null) this.#begin()
    this.#tap?.push(bytes)
    this.#exchange.responseBytes += bytes.length
    this.#lastWriteAt = this.#exchange.clock.monotonic()
    return this.#exchange.response.write(bytes)
  }

  #begin(): void {
    const { response, streaming, id } = this.#exchange
    const contentType = streaming ? 'text/event-stream; charset=utf-8' : 'application/json'
    this.#tap = answerTap(this.#exchange, 200, {
      headers: [],
      contentType,
      contentEncoding: 'identity',
      requestId: null,
      rateLimits: null,
    })
    response.writeHead(200, {
      'content-type': contentType,
      ...(streaming && { 'cache-control': 'no-cache' }),
      'request-id': id,
      [requestIdHeader]: id,
      [routeHeader]: routeText(this.#exchange),
    })
    if (!streaming) return
    this.#gateway.inFlight.streamBegins(this.#tap)
    // What is written ends with a whole event always.
    this.#exchange.mayAppendEvent = () => true
    this.#pinger = setInterval(() => {
      if (this.#exchange.clock.monotonic() - this.#lastWriteAt < pingMs) return
      this.#lastWriteAt = this.#exchange.clock.monotonic()
      response.write(pingEvent)
    }, pingMs / 3)
  }

  onError(failure: UpstreamFailure): void {
    if (this.#settle()) this.#resolve(failure)
  }

  /** The answer makes no sense, or is an error: the upstream call, should it go on, is given up. */
  #fail(thrown: unknown): void {
    const error =
      thrown instanceof GatewayError
        ? thrown
        : new GatewayError('gateway_internal', 'The translation of the answer failed.', { cause: thrown })
    if (!this.#settle()) return
    this.call?.abort()
    this.#resolve(error)
  }

  readonly onGone = (): void => {
    if (!this.#settle()) return
    this.call?.abort()
    this.#resolve({ kind: 'aborted', detail: 'the caller left', cause: null })
  }

  readonly #onDrain = (): void => this.call?.resume()

  /** True for the first ending only. */
  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    if (this.#pinger !== null) clearInterval(this.#pinger)
    if (this.#stream !== null) this.#exchange.answerFacts = this.#stream.facts
    this.#exchange.response.off('close', this.onGone).off('drain', this.#onDrain)
    this.#exchange.upstreamMs = (this.#exchange.upstreamMs ?? 0) + this.#exchange.clock.monotonic() - this.#sentAt
    if (this.#tap?.isStream) this.#gateway.inFlight.streamEnds(this.#tap)
    return true
  }
}

function firstByteOf(chunk: Buffer): number | undefined {
  for (const byte of chunk) if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
  return undefined
}

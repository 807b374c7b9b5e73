import type { UpstreamCall, UpstreamFailure, UpstreamHandler, UpstreamRequest } from '../core/upstream.ts'
import { readAnswerHead } from '../wire/headers.ts'
import { type AnswerTap, answerTap } from './answer-tap.ts'
import { closeExchange } from './close-exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { judgeAnswer } from './judge-answer.ts'
import type { HoldsAnswers, TryFailure } from './try-failure.ts'

/** The response header of ours that names the exchange. */
export const requestIdHeader = 'x-signalbox-request-id'
/** Says why the call went where it went: rule, target, number of tries. */
export const routeHeader = 'x-signalbox-route'

/** The value of `routeHeader`. */
export function routeText({ routing, attempts }: Exchange): string {
  // Models are named by callers, and may hold anything; a header may not.
  const place = routing.place.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
  return `${routing.rule}; ${place}; tries=${attempts}`
}

/**
 * The one pump: passes the upstream's bytes to the caller as they come, with backpressure, and lets a tap read along.
 * Resolves with null when the exchange is closed, or with the failure that stopped it; the caller of `relay` decides what
 * that means. A client that leaves aborts the upstream call at once.
 */
export function relay(
  exchange: Exchange,
  request: UpstreamRequest,
  gateway: Gateway,
  tries: HoldsAnswers,
): Promise<RelayFailure | null> {
  return new Promise((resolve) => {
    const pump = new Pump(exchange, gateway, tries, resolve)
    pump.call = gateway.upstream.send(request, pump)
    if (exchange.response.destroyed) pump.onGone()
  })
}

type RelayFailure = UpstreamFailure | (TryFailure & { readonly kind: 'held' })

class Pump implements UpstreamHandler {
  call: UpstreamCall | null = null
  readonly #exchange: Exchange
  readonly #gateway: Gateway
  readonly #tries: HoldsAnswers
  readonly #resolve: (failure: RelayFailure | null) => void
  readonly #sentAt: number
  #tap: AnswerTap | null = null
  /** What came since the last write. What one read of the socket brought leaves in one write: chunks are often tiny. */
  #waiting: Buffer[] = []
  #passesSoon = false
  /** The caller takes no more for now. */
  #held = false
  #settled = false

  constructor(
    exchange: Exchange,
    gateway: Gateway,
    tries: HoldsAnswers,
    resolve: (failure: RelayFailure | null) => void,
  ) {
    this.#exchange = exchange
    this.#gateway = gateway
    this.#tries = tries
    this.#resolve = resolve
    this.#sentAt = exchange.clock.monotonic()
    exchange.response.on('close', this.onGone)
  }

  onHeaders(status: number, rawHeaders: string[]): void {
    const { response } = this.#exchange
    const head = readAnswerHead(rawHeaders)
    this.#exchange.upstreamStatus = status
    this.#exchange.upstreamRequestId = head.requestId
    this.#exchange.rateLimitHeaders = head.rateLimits
    if (status >= 429 && this.#tries.holds(status, head)) return this.#hold(status)
    this.#tap = answerTap(this.#exchange, status, head)
    if (this.#tap.isStream) this.#streamBegins(this.#tap)
    head.headers.push(requestIdHeader, this.#exchange.id, routeHeader, routeText(this.#exchange))
    response.writeHead(status, head.headers)
    // A stream's head may come long before its first event; a body follows its head.
    if (this.#tap.isStream) this.#passSoon()
  }

  /** Another try was promised: nobody is shown this answer. */
  #hold(status: number): void {
    if (!this.#settle()) return
    this.call?.abort()
    this.#resolve({ kind: 'held', status })
  }

  #streamBegins(tap: AnswerTap): void {
    this.#gateway.inFlight.streamBegins(tap)
    this.#exchange.mayAppendEvent = () => tap.atBoundary
  }

  onData(chunk: Buffer): boolean {
    if (this.#settled) return true
    this.#exchange.responseBytes += chunk.length
    this.#tap?.push(chunk)
    this.#waiting.push(chunk)
    this.#passSoon()
    return !this.#held
  }

  /** After the parser is done with what it has at hand, and before anything else happens: no time is added. */
  #passSoon(): void {
    if (this.#passesSoon) return
    this.#passesSoon = true
    queueMicrotask(this.#pass)
  }

  readonly #pass = (): void => {
    this.#passesSoon = false
    const { response } = this.#exchange
    // An end, whichever, has taken what was waiting along.
    if (this.#settled || response.destroyed) return
    const bytes = this.#taken()
    if (bytes === null) return response.flushHeaders()
    if (response.write(bytes) || this.#held) return
    this.#held = true
    response.once('drain', this.#onDrain)
  }

  #taken(): Buffer | null {
    const [first] = this.#waiting
    if (first === undefined) return null
    const bytes = this.#waiting.length === 1 ? first : Buffer.concat(this.#waiting)
    this.#waiting = []
    return bytes
  }

  onEnd(): void {
    const tap = this.#tap
    if (tap === null) return this.onError({ kind: 'bad_response', detail: 'no head', cause: null })
    const finish = (): void => {
      if (!this.#settle()) return
      const verdict = judgeAnswer(this.#exchange, tap)
      // The record is on disk before the caller sees the end: a crash right after loses no completed call.
      closeExchange(this.#exchange, this.#gateway, verdict.status, verdict.failure, this.#end)
    }
    const decoding = tap.finish()
    if (decoding === null) finish()
    else decoding.then(finish)
  }

  readonly #end = (): void => {
    const { response } = this.#exchange
    if (!response.destroyed) response.end(this.#taken() ?? undefined)
    this.#resolve(null)
  }

  onError(failure: UpstreamFailure): void {
    // The tap is left as it is: whether the stream broke between two events decides how the caller is told.
    if (this.#waiting.length > 0) this.#pass()
    if (this.#settle()) this.#resolve(failure)
  }

  readonly onGone = (): void => {
    if (!this.#settle()) return
    this.call?.abort()
    this.#resolve({ kind: 'aborted', detail: 'the caller left', cause: null })
  }

  readonly #onDrain = (): void => {
    this.#held = false
    this.call?.resume()
  }

  /** True for the first ending only. */
  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#exchange.response.off('close', this.onGone)
    this.#exchange.upstreamMs = (this.#exchange.upstreamMs ?? 0) + this.#exchange.clock.monotonic() - this.#sentAt
    if (this.#tap?.isStream) this.#gateway.inFlight.streamEnds(this.#tap)
    return true
  }
}

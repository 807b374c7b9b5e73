import type { UpstreamCall, UpstreamFailure, UpstreamHandler, UpstreamRequest } from '../core/upstream.ts'
import { headerOf, rateLimitHeadersOf, responseHeadersForCaller } from '../wire/headers.ts'
import { type AnswerTap, answerTap } from './answer-tap.ts'
import { closeExchange } from './close-exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { judgeAnswer } from './judge-answer.ts'

/** The response header of ours that names the exchange. */
export const requestIdHeader = 'x-signalbox-request-id'

/**
 * The one pump: passes the upstream's bytes to the caller as they come, with backpressure, and lets a tap read along.
 * Resolves with null when the exchange is closed, or with the failure that stopped it; the caller of `relay` decides what
 * that means. A client that leaves aborts the upstream call at once.
 */
export function relay(exchange: Exchange, request: UpstreamRequest, gateway: Gateway): Promise<UpstreamFailure | null> {
  return new Promise((resolve) => {
    const pump = new Pump(exchange, gateway, resolve)
    pump.call = gateway.upstream.send(request, pump)
    if (exchange.response.destroyed) pump.onGone()
  })
}

class Pump implements UpstreamHandler {
  call: UpstreamCall | null = null
  readonly #exchange: Exchange
  readonly #gateway: Gateway
  readonly #resolve: (failure: UpstreamFailure | null) => void
  readonly #sentAt: number
  #tap: AnswerTap | null = null
  #settled = false

  constructor(exchange: Exchange, gateway: Gateway, resolve: (failure: UpstreamFailure | null) => void) {
    this.#exchange = exchange
    this.#gateway = gateway
    this.#resolve = resolve
    this.#sentAt = exchange.clock.monotonic()
    exchange.response.on('close', this.onGone).on('drain', this.#onDrain)
  }

  onHeaders(status: number, rawHeaders: string[]): void {
    const { response } = this.#exchange
    this.#exchange.upstreamStatus = status
    this.#exchange.upstreamRequestId = headerOf(rawHeaders, 'request-id')?.slice(0, 100) ?? null
    this.#exchange.rateLimitHeaders = rateLimitHeadersOf(rawHeaders)
    this.#tap = answerTap(this.#exchange, status, rawHeaders)
    if (this.#tap.isStream) this.#streamBegins(this.#tap)
    const headers = responseHeadersForCaller(rawHeaders)
    headers.push(requestIdHeader, this.#exchange.id)
    response.writeHead(status, headers)
    if (this.#tap.isStream) response.flushHeaders()
  }

  #streamBegins(tap: AnswerTap): void {
    this.#gateway.inFlight.openStreams++
    this.#exchange.mayAppendEvent = () => tap.atBoundary
  }

  onData(chunk: Buffer): boolean {
    this.#exchange.responseBytes += chunk.length
    this.#tap?.push(chunk)
    return this.#exchange.response.write(chunk)
  }

  onEnd(): void {
    const tap = this.#tap
    if (tap === null) return this.onError({ kind: 'bad_response', detail: 'no head', cause: null })
    const finish = (): void => {
      if (!this.#settle()) return
      const verdict = judgeAnswer(this.#exchange, tap)
      // The record is on disk before the caller sees the end: a crash right after loses no completed call.
      closeExchange(this.#exchange, this.#gateway, verdict.status, verdict.failure)
      this.#exchange.response.end()
      this.#resolve(null)
    }
    const decoding = tap.finish()
    if (decoding === null) finish()
    else decoding.then(finish)
  }

  onError(failure: UpstreamFailure): void {
    // The tap is left as it is: whether the stream broke between two events decides how the caller is told.
    if (this.#settle()) this.#resolve(failure)
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
    this.#exchange.response.off('close', this.onGone).off('drain', this.#onDrain)
    this.#exchange.upstreamMs = (this.#exchange.upstreamMs ?? 0) + this.#exchange.clock.monotonic() - this.#sentAt
    if (this.#tap?.isStream) this.#gateway.inFlight.openStreams--
    return true
  }
}

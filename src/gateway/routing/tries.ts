import { type ErrorType, GatewayError } from '../../core/errors.ts'
import type { AnswerHead } from '../../wire/headers.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import type { HoldsAnswers, TryFailure } from '../try-failure.ts'
import type { Place } from './place.ts'
import type { Route } from './router.ts'

/** What the next try is: at the next place, at the same one after a pause, or there is none. */
type Plan = { readonly at: 'next' } | { readonly at: 'same'; readonly pauseMs: number } | { readonly at: 'nowhere' }

/** What went wrong, as far as it decides about another try. */
type Trouble = 'connection' | 'provider' | 'rate-limit' | 'timeout' | 'other'

/** Tries at one place beside the first: Anthropic's client tries again by itself, more of ours would multiply with its. */
const moreTriesAtOnePlace = 2
/** A provider that asks for more patience than this is not waited for: the caller is told, and knows better. */
const longestPauseMs = 5_000
const firstPauseMs = 200
/** Where a 429 names no time. */
const defaultRestMs = 30_000

/** The tries of one call: which place is next, what its failure means for the place, and whether there is another try. */
export class Tries implements HoldsAnswers {
  readonly #exchange: Exchange
  readonly #gateway: Gateway
  readonly #places: readonly Place[]
  #at = -1
  #again = 0
  #place: Place | null = null
  #plan: Plan | null = null

  constructor(exchange: Exchange, route: Route, gateway: Gateway) {
    this.#exchange = exchange
    this.#gateway = gateway
    this.#places = route.places
    exchange.routing.rule = route.rule
    gateway.router.budget.called()
  }

  /** The place of the next try; throws where every one of them is full. */
  next(): Place {
    if (this.#place === null) this.#place = this.#enterNext()
    this.#plan = null
    this.#exchange.attempts++
    this.#exchange.routing.place = this.#place.key
    return this.#place
  }

  #enterNext(): Place {
    for (let at = this.#at + 1; at < this.#places.length; at++) {
      const place = this.#places[at] as Place // in range by the loop's bound
      const skipped = place.enter()
      if (skipped === null) return this.#entered(at, place)
      this.#note(place, skipped)
    }
    // None is well. One that may be ill is better than no answer, and its own error says more than ours.
    for (let at = this.#at + 1; at < this.#places.length; at++) {
      const place = this.#places[at] as Place // in range by the loop's bound
      if (place.enterAnyway()) return this.#entered(at, place)
    }
    throw new GatewayError('gateway_overloaded', 'All targets of this route have as many calls as they may.', {
      retryAfterSeconds: 1,
    })
  }

  #entered(at: number, place: Place): Place {
    this.#at = at
    this.#again = 0
    this.#exchange.routing.movedFrom = this.#gateway.router.otherPlaceOf(this.#exchange, place)
    return place
  }

  /** An answer reached the caller, whatever it says. */
  answered(): void {
    const place = this.#place
    if (place === null) return
    place.leave()
    const status = this.#exchange.upstreamStatus ?? 0
    if (status >= 200 && status < 300 && this.#exchange.endpoint === 'messages')
      this.#gateway.router.answeredAt(this.#exchange, place)
    if (isProvidersFault(status)) place.breaker.failed()
    else place.breaker.succeeded()
  }

  /** The call was not sent: it can not be, or a defect of ours stopped it. */
  abandoned(): void {
    this.#place?.leave()
    this.#place?.breaker.abandoned()
  }

  holds(status: number, head: AnswerHead): boolean {
    if (!isProvidersFault(status) && status !== 429) return false
    const retryAfter = Number(head.rateLimits?.['retry-after'] ?? Number.NaN)
    this.#plan = this.#planFor(
      status === 429 ? 'rate-limit' : 'provider',
      Number.isFinite(retryAfter) ? retryAfter * 1000 : null,
    )
    return this.#plan.at !== 'nowhere'
  }

  /** Gets ready for the next try, pause included; throws what the caller is to be told where there is none. */
  async failed(failure: TryFailure): Promise<void> {
    const place = this.#place
    if (place === null) return
    const trouble = troubleOf(failure)
    this.#tell(place, failure, trouble)
    this.#note(place, wordFor(failure))
    const plan = this.#plan ?? this.#planFor(trouble, retryAfterMsOf(failure))
    if (plan.at === 'same' && this.#exchange.response.destroyed === false) {
      this.#again++
      const pausedAt = this.#exchange.clock.monotonic()
      await pause(plan.pauseMs)
      // The pause is for the provider's sake, and no time of the gateway's own.
      this.#exchange.upstreamMs = (this.#exchange.upstreamMs ?? 0) + this.#exchange.clock.monotonic() - pausedAt
      if (!this.#exchange.response.destroyed) return
    }
    place.leave()
    this.#place = null
    if (this.#exchange.response.destroyed)
      throw new GatewayError('caller_cancelled', 'The caller left before the answer was complete.')
    if (plan.at === 'next') return
    throw failure.kind === 'held'
      ? new GatewayError('provider_server_error', `The provider answered ${failure.status}.`)
      : failure.error
  }

  /** What the failure means for the place, beyond this call. */
  #tell(place: Place, failure: TryFailure, trouble: Trouble): void {
    if (failure.kind === 'broken' && failure.failure.kind === 'aborted') return place.breaker.abandoned()
    if (trouble === 'connection' || trouble === 'provider' || trouble === 'timeout') return place.breaker.failed()
    if (trouble === 'rate-limit') place.rest(retryAfterMsOf(failure) ?? defaultRestMs)
    place.breaker.succeeded()
  }

  #planFor(trouble: Trouble, retryAfterMs: number | null): Plan {
    const plan = this.#possiblePlan(trouble, retryAfterMs)
    if (plan.at === 'nowhere' || this.#gateway.router.budget.take()) return plan
    this.#exchange.routing.tried.push('retry_budget_spent')
    return { at: 'nowhere' }
  }

  #possiblePlan(trouble: Trouble, retryAfterMs: number | null): Plan {
    const nowhere: Plan = { at: 'nowhere' }
    if (trouble === 'other' || this.#exchange.response.headersSent || this.#exchange.response.destroyed) return nowhere
    // Uploads, batches and the like might then exist twice; a call that never reached the provider can not.
    const { endpoint, method } = this.#exchange
    if (endpoint === 'passthrough' && method !== 'GET' && method !== 'HEAD' && trouble !== 'connection') return nowhere
    const hasNext = this.#at + 1 < this.#places.length
    if (trouble === 'rate-limit')
      return hasNext && this.#gateway.router.settings.failoverOnRateLimit ? { at: 'next' } : nowhere
    if (hasNext) return { at: 'next' }
    // A call that timed out may have taken minutes, and is likely to do so again.
    if (trouble === 'timeout') return nowhere
    const limit = trouble === 'connection' ? this.#gateway.config.connectAttempts - 1 : moreTriesAtOnePlace
    if (this.#again >= limit || (retryAfterMs ?? 0) > longestPauseMs) return nowhere
    return { at: 'same', pauseMs: retryAfterMs ?? (trouble === 'connection' ? 0 : firstPauseMs * 2 ** this.#again) }
  }

  #note(place: Place, what: string): void {
    const { tried } = this.#exchange.routing
    if (tried.length < 16) tried.push(`${place.key}:${what}`)
  }
}

/** 501 and 505 say that the call itself is not understood; the others may pass. 529 is Anthropic's overload. */
const isProvidersFault = (status: number): boolean => status >= 500 && status !== 501 && status !== 505

const troubles: Partial<Record<ErrorType, Trouble>> = {
  provider_rate_limited: 'rate-limit',
  provider_quota_exhausted: 'rate-limit',
  provider_overloaded: 'provider',
  provider_server_error: 'provider',
  provider_bad_response: 'provider',
  provider_stream_error: 'provider',
  provider_unreachable: 'connection',
  provider_timeout: 'timeout',
}

function troubleOf(failure: TryFailure): Trouble {
  switch (failure.kind) {
    case 'held':
      return failure.status === 429 ? 'rate-limit' : 'provider'
    case 'refused':
      return troubles[failure.error.type] ?? 'other'
    case 'broken':
      switch (failure.failure.kind) {
        case 'connect':
          return 'connection'
        case 'headers_timeout':
        case 'idle_timeout':
          return 'timeout'
        case 'aborted':
          return 'other'
        default:
          return 'provider'
      }
  }
}

function retryAfterMsOf(failure: TryFailure): number | null {
  const seconds = failure.kind === 'held' ? undefined : failure.error.retryAfterSeconds
  return seconds === undefined ? null : seconds * 1000
}

/** In bounded words: it stands on the record, and may become a label. */
function wordFor(failure: TryFailure): string {
  if (failure.kind === 'held') return String(failure.status)
  return failure.kind === 'broken' ? failure.failure.kind : failure.error.type
}

const pause = (milliseconds: number): Promise<void> =>
  milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds))

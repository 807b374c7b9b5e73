import type { Clock } from '../../core/clock.ts'
import { GatewayError } from '../../core/errors.ts'
import { type ChosenTarget, decideRoute, type RoutingTable } from '../../core/routing.ts'
import type { Target } from '../../core/upstream.ts'
import type { Exchange } from '../exchange.ts'
import { Place } from './place.ts'
import { requestFacts } from './request-facts.ts'
import { RetryBudget } from './retry-budget.ts'

/** Where one call may go, in order. */
export interface Route {
  readonly rule: string
  readonly places: readonly Place[]
}

/** What the operator configured, as far as the data plane needs it. Replaced as a whole by a reload. */
export interface RoutingSettings {
  readonly table: RoutingTable
  /** The target of a provider for a model; null where the provider is not offered. */
  targetOf(provider: string, model: string | null): Target | null
  /** Minute of the day in the operator's time zone, for rules by time. */
  minuteOfDay(nowMs: number): number
  /** Whether a 429 is tried at the next target, where a rule names one. */
  readonly failoverOnRateLimit: boolean
}

/** Callers may invent models without end; what is remembered of each place is bounded by forgetting the oldest. */
const placesLimit = 1_000
const sessionsLimit = 10_000

export class Router {
  readonly #clock: Clock
  readonly budget: RetryBudget
  #settings: RoutingSettings
  #places = new Map<string, Place>()
  /** Where sessions went last, to tell when one had to move. */
  #lastPlace = new Map<string, string>()
  #plain: Route | null = null
  #translates = false

  constructor(settings: RoutingSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#noteTranslation()
    this.budget = new RetryBudget(clock)
  }

  get settings(): RoutingSettings {
    return this.#settings
  }

  /** From the next call on. Calls under way end as they began; health is kept for the places that stay. */
  replace(settings: RoutingSettings): void {
    this.#settings = settings
    this.#plain = null
    this.#noteTranslation()
    for (const [key, place] of this.#places) {
      const target = settings.targetOf(place.target.provider, place.target.model)
      if (target === null) this.#places.delete(key)
      else place.target = target
    }
  }

  /** Whether conversations may hold blocks of providers whose answers were translated: where there is one, or was. */
  get translates(): boolean {
    return this.#translates
  }

  /** Never back to false: the conversations outlive the provider's place in the settings. */
  #noteTranslation(): void {
    const settings = this.#settings
    this.#translates ||= [...settings.table.providers].some(
      (name) => (settings.targetOf(name, null)?.translation ?? null) !== null,
    )
  }

  /** All places that were used, for health and metrics. */
  places(): readonly Place[] {
    return [...this.#places.values()]
  }

  /** Throws `gateway_no_target` where nothing is configured for the call. */
  route(exchange: Exchange): Route {
    const { table } = this.#settings
    const isPlain = table.rules.length === 0 && Object.keys(table.aliases).length === 0
    // Most gateways have no rule at all, and their calls should not pay for those that have.
    if (isPlain && !/[/,]/.test(exchange.requestedModel ?? '')) {
      this.#plain ??= this.#routeOf('default', [
        { provider: table.defaultProvider, model: null, weight: 1, priority: 0, maxConcurrent: null },
      ])
      if (this.#plain.places[0]?.target.translation === null) return this.#plain
    }
    const decision = decideRoute(table, requestFacts(exchange, this.#clock, this.#settings.minuteOfDay))
    return this.#routeOf(decision.rule, decision.targets)
  }

  /** The place that answered the session's last call for this model, where that is another one. */
  otherPlaceOf(exchange: Exchange, place: Place): string | null {
    const conversation = conversationOf(exchange)
    const before = conversation === null ? undefined : this.#lastPlace.get(conversation)
    return before === undefined || before === place.key ? null : before
  }

  /** A call of the session was answered there, and its prompt may be cached there. */
  answeredAt(exchange: Exchange, place: Place): void {
    const conversation = conversationOf(exchange)
    if (conversation === null) return
    this.#lastPlace.delete(conversation)
    this.#lastPlace.set(conversation, place.key)
    forgetOldest(this.#lastPlace, sessionsLimit)
  }

  #routeOf(rule: string, chosen: readonly ChosenTarget[]): Route {
    const places = chosen.flatMap((each) => this.#placeOf(each) ?? [])
    if (places.length === 0)
      throw new GatewayError('gateway_no_target', `No provider of the route “${rule}” is configured.`)
    return { rule, places }
  }

  #placeOf({ provider, model, maxConcurrent }: ChosenTarget): Place | null {
    const key = `${provider}/${model ?? '*'}`
    const known = this.#places.get(key)
    if (known !== undefined) {
      known.maxConcurrent = maxConcurrent
      return known
    }
    const target = this.#settings.targetOf(provider, model)
    if (target === null) return null
    const place = new Place(key, target, maxConcurrent, this.#clock)
    this.#places.set(key, place)
    forgetOldest(this.#places, placesLimit)
    return place
  }
}

/** Prompt caches are by model: a session's helper calls to a small one are a conversation of their own. */
const conversationOf = ({ sessionId, requestedModel }: Exchange): string | null =>
  sessionId === null ? null : `${sessionId}\n${requestedModel ?? ''}`

/** Maps keep the order of insertion: the first key is the oldest. */
function forgetOldest<V>(map: Map<string, V>, limit: number): void {
  if (map.size <= limit) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}

import type { Config } from '../config/schema.ts'
import { explainRoute, type RequestFacts, type RouteExplanation, timeOfDay } from '../core/routing.ts'
import { configuredProviders } from '../providers/configured.ts'
import { minuteOf, minuteOfDayIn, routingTable } from './routing-table.ts'

/** What is known of a call that nobody has made. */
export interface ImaginedCall {
  readonly model: string | null
  readonly domain: string
  /** By name, in any case. */
  readonly headers: Readonly<Record<string, string>>
  readonly thinking: boolean
  readonly background: boolean
  readonly images: boolean
  readonly inputTokens: number
  /** Null for a call of no session: its place among weighted targets is drawn anew for each. */
  readonly session: string | null
  /** `HH:MM`; null for now. */
  readonly at: string | null
}

export interface ExplainedRoute extends RouteExplanation {
  /** `HH:MM` in the operator's time zone. */
  readonly time: string
  /** The targets of the decision, in the order to try them. */
  readonly targets: readonly {
    readonly provider: string
    readonly model: string | null
    readonly weight: number
    readonly priority: number
    readonly maxConcurrent: number | null
    /** Part of the sessions that have it as their first target. */
    readonly share: number
    /** The setting without which the provider is not offered, and the target is passed over; null where all is there. */
    readonly missing: string | null
  }[]
}

/** Where a call would go by these settings, as if every target were well. Asks nobody. */
export function explainCall(config: Config, call: ImaginedCall, nowMs: number): ExplainedRoute {
  const all = new Map(configuredProviders(config.providers).map((one) => [one.name, one]))
  // The simulated provider is started where it is the default.
  const missingOf = (name: string): string | null =>
    name === 'simulated' && config.providers.default === name ? null : (all.get(name)?.missing ?? null)
  const offered = [...all.keys()].filter((name) => missingOf(name) === null)
  const minute = call.at === null ? minuteOfDayIn(config.routing.timeZone)(nowMs) : minuteOf(call.at)
  const explained = explainRoute(routingTable(config, offered), factsOf(call, minute))
  const { targets } = explained.decision
  const first = targets.filter(({ priority }) => priority === targets[0]?.priority)
  const weights = first.reduce((sum, { weight }) => sum + weight, 0)
  return {
    ...explained,
    time: timeOfDay(minute),
    targets: targets.map((target) => ({
      ...target,
      share: first.includes(target) ? target.weight / weights : 0,
      missing: missingOf(target.provider),
    })),
  }
}

function factsOf(call: ImaginedCall, minute: number): RequestFacts {
  const headers = new Map(Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    model: call.model,
    domain: call.domain,
    header: (lowerName) => headers.get(lowerName),
    minuteOfDay: () => minute,
    inputTokens: () => call.inputTokens,
    thinking: () => call.thinking,
    background: () => call.background,
    images: () => call.images,
    stickyKey: call.session ?? '',
  }
}

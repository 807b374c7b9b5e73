import type { Config } from '../config/schema.ts'
import type { Target } from '../core/upstream.ts'
import type { RoutingSettings } from '../gateway/index.ts'
import { type ConfiguredProvider, configuredProviders, targetOf } from '../providers/configured.ts'
import { minuteOfDayIn, routingTable } from './routing-table.ts'

/** Callers may invent models without end; a target that is forgotten is made anew. */
const targetsLimit = 1_000

/** What the data plane needs of the configured providers and routes. `simulatedUrl`: the one that runs on this machine. */
export function routingSettings(config: Config, simulatedUrl: string | null): RoutingSettings {
  const offered = offeredProviders(config, simulatedUrl)
  const byName = new Map(offered.map((provider) => [provider.name, provider]))
  const targets = new Map<string, Target | null>()
  return {
    table: routingTable(config, byName.keys()),
    targetOf(name, model) {
      const provider = byName.get(name)
      if (provider === undefined) return null
      const key = `${name}\n${model ?? ''}`
      const known = targets.get(key)
      if (known !== undefined) return known
      const target = targetOf(provider, model)
      if (targets.size >= targetsLimit) targets.clear()
      targets.set(key, target)
      return target
    },
    minuteOfDay: minuteOfDayIn(config.routing.timeZone),
    failoverOnRateLimit: config.routing.failoverOnRateLimit,
  }
}

/** Those that have all they need. */
export const offeredProviders = (config: Config, simulatedUrl: string | null): readonly ConfiguredProvider[] =>
  configuredProviders(config.providers, simulatedUrl).filter(({ missing }) => missing === null)

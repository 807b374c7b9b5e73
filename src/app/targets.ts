import type { Config } from '../config/schema.ts'
import type { Target } from '../core/upstream.ts'
import type { RoutingSettings } from '../gateway/index.ts'
import { providers, toTarget } from '../providers/index.ts'

/** What the data plane needs of the configured providers and routes. `simulatedUrl`: the one that runs on this machine. */
export function routingSettings(config: Config, simulatedUrl: string | null): RoutingSettings {
  const simulated = config.providers.simulated.baseUrl ?? simulatedUrl
  const targetOf = (provider: string, model: string | null): Target | null => {
    if (provider === 'anthropic') return toTarget(providers.anthropic, config.providers.anthropic, model)
    if (provider === 'simulated' && simulated !== null)
      return toTarget(providers.simulated, { baseUrl: simulated }, model)
    return null
  }
  return {
    table: {
      aliases: {},
      rules: [],
      defaultProvider: config.providers.default,
      providers: new Set(Object.keys(providers).filter((name) => targetOf(name, null) !== null)),
    },
    targetOf,
    minuteOfDay(nowMs) {
      const now = new Date(nowMs)
      return now.getHours() * 60 + now.getMinutes()
    },
    failoverOnRateLimit: false,
  }
}

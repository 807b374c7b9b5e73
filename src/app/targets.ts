import type { Config } from '../config/schema.ts'
import { GatewayError } from '../core/errors.ts'
import type { Target } from '../core/upstream.ts'
import { providers, toTarget } from '../providers/index.ts'

/** The default route: every model goes to the one configured default provider. */
export function createRoute(config: Config, simulatedUrl: string | null): (model: string | null) => Target {
  const target = defaultTarget(config, simulatedUrl)
  return () => {
    if (target === null) throw new GatewayError('gateway_no_target', 'No provider is configured for this call.')
    return target
  }
}

function defaultTarget(config: Config, simulatedUrl: string | null): Target | null {
  if (config.providers.default === 'anthropic') return toTarget(providers.anthropic, config.providers.anthropic)
  const baseUrl = config.providers.simulated.baseUrl ?? simulatedUrl
  return baseUrl === null ? null : toTarget(providers.simulated, { baseUrl })
}

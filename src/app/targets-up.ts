import type { Config } from '../config/schema.ts'
import type { PlaceState } from '../core/provider-health.ts'
import type { TargetUp } from '../telemetry/index.ts'

/** Targets for metrics: models that the configuration names by name, all others together, since callers can invent some. */
export function targetsUp({ routing }: Config, places: readonly PlaceState[]): readonly TargetUp[] {
  const named = new Set(routing.routes.flatMap(({ targets }) => targets.map(({ model }) => model)))
  return places.map(({ provider, model, breaker }) => ({
    provider,
    target: model !== null && named.has(model) ? model : 'other',
    up: breaker !== 'open',
  }))
}

import type { ProviderCheck } from '../core/provider-health.ts'
import { BoundedLabel } from './bounded-label.ts'
import type { MetricRegistry } from './metric-registry.ts'

/** A target by names of the operator's, and whether calls go there. */
export interface TargetUp {
  readonly provider: string
  /** A model that the configuration names; `other` for those that only callers did. */
  readonly target: string
  readonly up: boolean
}

const targetCap = 60
const providerCap = 32

/** The gauges of what a gateway knows of its targets. Asked at each scrape. */
export function registerTargets(registry: MetricRegistry, targets: () => readonly TargetUp[]): void {
  const gauge = registry.gauge('signalbox_target_up')
  const names = new BoundedLabel(targetCap, () => undefined)
  registry.onScrape(() => {
    const up = new Map<string, TargetUp>()
    for (const one of targets()) {
      const target = names.value(`${one.provider}\n${one.target}`) === 'other' ? 'other' : one.target
      const key = `${one.provider}\n${target}`
      up.set(key, { ...one, target, up: one.up && (up.get(key)?.up ?? true) })
    }
    for (const { provider, target, up: isUp } of up.values()) gauge.child({ provider, target }).set(isUp ? 1 : 0)
  })
}

/** The gauges of the last checks. */
export function registerProviderChecks(registry: MetricRegistry, checks: () => readonly ProviderCheck[]): void {
  const up = registry.gauge('signalbox_provider_check_up')
  const at = registry.gauge('signalbox_provider_check_timestamp_seconds')
  const names = new BoundedLabel(providerCap, () => undefined)
  registry.onScrape(() => {
    for (const { provider: name, status, checkedAt } of checks()) {
      const provider = names.value(name)
      up.child({ provider }).set(status === 'ok' ? 1 : 0)
      at.child({ provider }).set(checkedAt / 1_000)
    }
  })
}

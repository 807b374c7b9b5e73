import type { SettingsState } from '../core/signals.ts'
import type { MetricRegistry } from './metric-registry.ts'

/** Whether the file of settings is the one in effect. Asked at each scrape. */
export function registerSettingsState(registry: MetricRegistry, settings: () => SettingsState): void {
  const success = registry.gauge('signalbox_config_reload_success').child({})
  const readAt = registry.gauge('signalbox_config_reload_timestamp_seconds').child({})
  registry.onScrape(() => {
    const state = settings()
    success.set(state.current ? 1 : 0)
    readAt.set(state.readAt / 1_000)
  })
}

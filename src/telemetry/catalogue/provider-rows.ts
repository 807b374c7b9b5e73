/** Metrics of providers and their targets. */
import { gauge } from './row.ts'

export const providerRows = {
  signalbox_target_up: gauge(
    'Whether calls go to the target: 0 while its circuit breaker is open in any worker. `target` is a model of the configuration, `other` stands for the rest together.',
    'boolean',
    'targets',
    'min',
    { labels: { provider: 'provider', target: 'model' } },
  ),
  signalbox_provider_check_up: gauge(
    'Whether the last check of the provider went well; absent before the first (`signalbox providers check`, PROVIDER_CHECK_INTERVAL_MINUTES).',
    'boolean',
    'provider checks',
    'min',
    { labels: { provider: 'provider' } },
  ),
  signalbox_provider_check_timestamp_seconds: gauge('Time of that check.', 'timestamp', 'provider checks', 'max', {
    labels: { provider: 'provider' },
  }),
}

/** Metrics of what providers tell of their limits with each answer. */
import { rateLimitKinds } from '../../core/rate-limits.ts'
import { counter, gauge } from './row.ts'

const ofWindow = { labels: { account: 'account', window: 'window' }, private: ['account'] } as const
const ofKind = { labels: { account: 'account', kind: rateLimitKinds }, private: ['account'] } as const

export const quotaRows = {
  signalbox_quota_used_ratio: gauge(
    'Spent share of a subscription’s window, as its provider told last; look at its reset and its age beside it.',
    'ratio',
    'rate-limit headers',
    'max',
    ofWindow,
  ),
  signalbox_quota_headroom_ratio: gauge(
    'What is left of the window, 0 at least.',
    'ratio',
    'rate-limit headers',
    'min',
    ofWindow,
  ),
  signalbox_quota_reset_timestamp_seconds: gauge(
    'When the window begins anew, as told; no series where the provider does not tell.',
    'timestamp',
    'rate-limit headers',
    'max',
    ofWindow,
  ),
  signalbox_quota_sample_age_seconds: gauge(
    'Time since an answer told of the window. Nothing asks for it: without calls it grows.',
    'seconds',
    'rate-limit headers',
    'min',
    ofWindow,
  ),
  signalbox_quota_unknown_windows_total: counter(
    'Windows of a name that this version does not know, each counted once for each account.',
    'count',
    'rate-limit headers',
  ),
  signalbox_ratelimit_limit: gauge(
    'Size of an API key’s token bucket, as the last answer told; buckets are by model family, which is not told.',
    'count',
    'rate-limit headers',
    'max',
    ofKind,
  ),
  signalbox_ratelimit_remaining: gauge('What was left in it.', 'count', 'rate-limit headers', 'min', ofKind),
  signalbox_ratelimit_reset_timestamp_seconds: gauge(
    'When it is full again, as told.',
    'timestamp',
    'rate-limit headers',
    'max',
    ofKind,
  ),
}

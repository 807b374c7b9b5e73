import type { Clock } from '../core/clock.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import { type QuotaWindow, type RateLimit, readRateLimits } from '../core/rate-limits.ts'
import { BoundedLabel } from './bounded-label.ts'
import type { GaugeChild, MetricRegistry } from './metric-registry.ts'

const accountCap = 16
const windowCap = 10
/** Windows seen in the wild; another name is news. */
const knownWindows = new Set(['5h', '7d', '7d_sonnet', '7d_opus', '7d_oi', 'overage'])
/** Two resets this close are of the same window: they are told in whole seconds, by several machines. */
const sameResetMs = 120_000

interface WindowState {
  used: number
  resetAt: number | null
  observedAt: number
  readonly show: (now: number) => void
}

/** Gauges of the limits that answers tell of, by account and window or kind. Told of each closed exchange. */
export function createQuotaMetrics(registry: MetricRegistry, clock: Clock): (exchange: RecordedExchange) => void {
  const overflow = registry.counter('signalbox_label_overflow_total')
  const bounded = (label: 'account' | 'window', cap: number): BoundedLabel => {
    const child = overflow.child({ label })
    return new BoundedLabel(cap, () => child.add(1))
  }
  const accounts = bounded('account', accountCap)
  const names = bounded('window', windowCap)
  const windows = windowGauges(registry, names, clock)
  const limits = limitGauges(registry)
  return ({ account, rateLimitHeaders, openedAt, ttftMs, durationMs }) => {
    if (account === null || rateLimitHeaders === null) return
    const reading = readRateLimits(rateLimitHeaders)
    if (reading.windows.length === 0 && reading.limits.length === 0) return
    const label = accounts.value(account)
    // A gauge of several accounts at once would tell nothing about any of them.
    if (label !== account) return
    // The headers came with the first byte of the answer, not with its end.
    const observedAt = openedAt + (ttftMs ?? durationMs)
    for (const window of reading.windows) windows(account, window, observedAt)
    for (const limit of reading.limits) limits(account, limit, observedAt)
  }
}

function windowGauges(registry: MetricRegistry, names: BoundedLabel, clock: Clock) {
  const unknown = registry.counter('signalbox_quota_unknown_windows_total').child({})
  const used = registry.gauge('signalbox_quota_used_ratio')
  const headroom = registry.gauge('signalbox_quota_headroom_ratio')
  const reset = registry.gauge('signalbox_quota_reset_timestamp_seconds')
  const age = registry.gauge('signalbox_quota_sample_age_seconds')
  const states = new Map<string, WindowState>()
  registry.onScrape(() => {
    const now = clock.now()
    for (const state of states.values()) state.show(now)
  })
  return (account: string, { name, utilization, resetAt }: QuotaWindow, observedAt: number): void => {
    const key = `${account}\u0000${name}`
    const known = states.get(key)
    if (known !== undefined) return update(known, utilization, resetAt, observedAt)
    if (names.value(name) !== name) return
    if (!knownWindows.has(name)) unknown.add(1)
    const labels = { account, window: name }
    const gauges = { used: used.child(labels), headroom: headroom.child(labels), age: age.child(labels) }
    const state: WindowState = {
      used: utilization,
      resetAt,
      observedAt,
      show(now) {
        gauges.used.set(state.used)
        gauges.headroom.set(Math.max(0, 1 - state.used))
        gauges.age.set(Math.max(0, now - state.observedAt) / 1_000)
        if (state.resetAt !== null) reset.child(labels).set(state.resetAt / 1_000)
      },
    }
    states.set(key, state)
  }
}

/**
 * Answers end in another order than they began. Within one window what is spent only grows, so the larger value is the
 * later one; an answer of a window that is over is old news.
 */
function update(state: WindowState, used: number, resetAt: number | null, observedAt: number): void {
  const isSame = resetAt !== null && state.resetAt !== null && Math.abs(resetAt - state.resetAt) <= sameResetMs
  if (isSame) {
    state.used = Math.max(state.used, used)
  } else {
    if (observedAt < state.observedAt) return
    state.used = used
    state.resetAt = resetAt
  }
  state.observedAt = Math.max(state.observedAt, observedAt)
}

function limitGauges(registry: MetricRegistry) {
  const sizes = registry.gauge('signalbox_ratelimit_limit')
  const remaining = registry.gauge('signalbox_ratelimit_remaining')
  const resets = registry.gauge('signalbox_ratelimit_reset_timestamp_seconds')
  const newest = new Map<string, number>()
  const show = (value: number | null, child: () => GaugeChild): void => {
    if (value !== null) child().set(value)
  }
  return (account: string, { kind, limit, remaining: left, resetAt }: RateLimit, observedAt: number): void => {
    const key = `${account}\u0000${kind}`
    if (observedAt < (newest.get(key) ?? 0)) return
    newest.set(key, observedAt)
    const labels = { account, kind }
    show(limit, () => sizes.child(labels))
    show(left, () => remaining.child(labels))
    show(resetAt === null ? null : resetAt / 1_000, () => resets.child(labels))
  }
}

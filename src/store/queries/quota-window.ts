/** What an account's limit headers say, in epoch milliseconds. */
export interface LimitSample {
  readonly observedAt: number
  readonly headers: Readonly<Record<string, string>>
}

/** The state of a quota window, told by the provider; nothing here is ever derived from tokens. */
export interface QuotaWindow {
  /** Epoch milliseconds; null where the window was not told, or has passed. */
  readonly resetsAt: number | null
  /** Share spent in percent, 0 to 100; null where not told. */
  readonly percentage: number | null
  /** `header`: the windows of a subscription. `rate_limit`: the token bucket of an API key. `none`: nobody told us. */
  readonly source: 'header' | 'rate_limit' | 'none'
  /** When it was told. */
  readonly observedAt: number | null
}

const unknownWindow: QuotaWindow = { resetsAt: null, percentage: null, source: 'none', observedAt: null }
/** Two answers of one window instance may name resets this far apart. */
const sameResetMs = 120_000

/** The name of the subscription window that lasts `windowMinutes`; other lengths have none. */
function windowName(windowMinutes: number): string | null {
  if (windowMinutes === 300) return '5h'
  return windowMinutes === 7 * 24 * 60 ? '7d' : null
}

/**
 * The quota window of that length from an account's samples, newest first. Within one instance of a window (the same
 * reset) the largest share counts, because late answers arrive out of order.
 * Sources: knowledge of `anthropic-ratelimit-unified-*` (undocumented, fractions 0..1, resets in epoch seconds), and
 * Anthropic API reference, "Rate limits" (token buckets of API keys, resets in RFC 3339).
 */
export function quotaWindowOf(samples: readonly LimitSample[], windowMinutes: number, now: number): QuotaWindow {
  return unifiedWindow(samples, windowName(windowMinutes), now) ?? tokenBucket(samples, now) ?? unknownWindow
}

function unifiedWindow(samples: readonly LimitSample[], name: string | null, now: number): QuotaWindow | null {
  if (name === null) return null
  const told = samples.flatMap((sample) => {
    const share = parseNumber(sample.headers[`anthropic-ratelimit-unified-${name}-utilization`])
    const reset = parseReset(sample.headers[`anthropic-ratelimit-unified-${name}-reset`])
    return share === null && reset === null ? [] : [{ share, reset, observedAt: sample.observedAt }]
  })
  const [newest] = told
  if (newest === undefined) return null
  // A reset that has passed says nothing about the window that runs now.
  if (newest.reset !== null && newest.reset <= now) return null
  const same = told.filter(({ reset }) => reset === newest.reset || near(reset, newest.reset))
  const shares = same.flatMap(({ share }) => (share === null ? [] : [share]))
  return {
    resetsAt: newest.reset,
    percentage: shares.length === 0 ? null : Math.round(Math.max(...shares) * 10_000) / 100,
    source: 'header',
    observedAt: newest.observedAt,
  }
}

function near(left: number | null, right: number | null): boolean {
  return left !== null && right !== null && Math.abs(left - right) <= sameResetMs
}

/** The headroom of an API key refills all the time, so its reset is told and no share of a window is made up. */
function tokenBucket(samples: readonly LimitSample[], now: number): QuotaWindow | null {
  for (const { headers, observedAt } of samples) {
    for (const family of ['tokens', 'input-tokens', 'output-tokens']) {
      const reset = parseReset(headers[`anthropic-ratelimit-${family}-reset`])
      if (reset === null) continue
      return { resetsAt: reset > now ? reset : null, percentage: null, source: 'rate_limit', observedAt }
    }
  }
  return null
}

function parseNumber(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

/** Epoch seconds or RFC 3339: `new Date("1750420800")` is an invalid date. */
export function parseReset(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = /^\d{9,11}(\.\d+)?$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text)
  return Number.isFinite(ms) ? ms : null
}

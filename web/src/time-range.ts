/** Relative ranges stay relative in the URL, so that a shared link is live. */

export const ranges = {
  '15m': { minutes: 15, label: '15 m', name: 'Last 15 minutes', refreshMs: 2_000 },
  '1h': { minutes: 60, label: '1 h', name: 'Last hour', refreshMs: 5_000 },
  '24h': { minutes: 24 * 60, label: '24 h', name: 'Last 24 hours', refreshMs: 20_000 },
} as const

export type RangeName = keyof typeof ranges

export const rangeNames = Object.keys(ranges) as readonly RangeName[] // the keys of a constant object

export interface Span {
  readonly from: number
  readonly to: number
}

const minuteMs = 60_000

/** From a whole minute, because rollups are by minute, until this second. */
export function spanOf(range: RangeName, now: number): Span {
  const from = Math.floor(now / minuteMs) * minuteMs - ranges[range].minutes * minuteMs
  return { from, to: Math.floor(now / 1000) * 1000 + 1000 }
}

/** As long as the span, and just before it. */
export function spanBefore({ from, to }: Span): Span {
  return { from: from - Math.ceil((to - from) / minuteMs) * minuteMs, to: from }
}

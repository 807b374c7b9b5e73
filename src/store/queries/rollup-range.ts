import { dayTier, hourTier, minuteTier, type Tier, tiers } from '../rollup-tiers.ts'

/** A stretch of time that one tier's buckets fill whole; `from` inclusive, `to` exclusive, epoch milliseconds. */
export interface Span {
  readonly tier: Tier
  readonly from: number
  readonly to: number
}

/**
 * Covers `[from, to)` with as few buckets as there are: days in the middle, then hours, minutes at the edges. The range
 * grows outwards to whole minutes. At most five spans, in order, without gap or overlap.
 */
export function coverRange(from: number, to: number, coarsest: Tier = dayTier): Span[] {
  const start = Math.floor(from / minuteTier.stepMs) * minuteTier.stepMs
  const end = Math.ceil(to / minuteTier.stepMs) * minuteTier.stepMs
  return split(start, end, coarsest)
}

function split(from: number, to: number, tier: Tier): Span[] {
  if (from >= to) return []
  const finer = tier === dayTier ? hourTier : minuteTier
  if (tier === minuteTier) return [{ tier, from, to }]
  const first = Math.ceil(from / tier.stepMs) * tier.stepMs
  const last = Math.floor(to / tier.stepMs) * tier.stepMs
  if (first >= last) return split(from, to, finer)
  return [...split(from, first, finer), { tier, from: first, to: last }, ...split(last, to, finer)]
}

/**
 * The rollups of a range as one SQL relation (in brackets), its bounds as parameters that are added to `values`.
 * `condition` narrows every part and may use earlier parameters.
 */
export function rollupsOf(
  family: 'rollup' | 'latency',
  spans: readonly Span[],
  values: unknown[],
  condition: string,
): string {
  if (spans.length === 0) return `(SELECT * FROM ${family}_minute WHERE false)`
  const parts = spans.map(({ tier, from, to }) => {
    const start = values.push(new Date(from))
    const end = values.push(new Date(to))
    return `SELECT * FROM ${family}_${tier.name} WHERE bucket >= $${start} AND bucket < $${end} AND ${condition}`
  })
  return `(${parts.join(' UNION ALL ')})`
}

/** What an answer says of its source, such as `rollup_minute+rollup_hour`. */
export function sourceOf(spans: readonly Span[]): string {
  const used = tiers.filter((tier) => spans.some((span) => span.tier === tier))
  return used.map((tier) => `rollup_${tier.name}`).join('+')
}

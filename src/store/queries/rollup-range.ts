import { dayTier, hourTier, minuteTier, type Tier, tiers } from '../rollup-tiers.ts'

/** A stretch of time that one tier's buckets fill whole; `from` inclusive, `to` exclusive, epoch milliseconds. */
export interface Span {
  readonly tier: Tier
  readonly from: number
  readonly to: number
}

/** Since when sums by minute and by hour are there, epoch milliseconds; what is older may have been dropped. */
export interface Held {
  readonly minute: number
  readonly hour: number
}

/** Where retention drops nothing. */
export const heldForGood: Held = { minute: Number.NEGATIVE_INFINITY, hour: Number.NEGATIVE_INFINITY }

/**
 * Covers `[from, to)` with as few buckets as there are: days in the middle, then hours, minutes at the edges. The range
 * grows outwards to whole minutes, and to whole hours or days where the finer sums may be gone: a figure of a little more
 * than was asked for is right, one with a hole is not. At most five spans, in order, without gap or overlap.
 */
export function coverRange(from: number, to: number, held: Held = heldForGood): Span[] {
  return split(startOf(from, held), endOf(to, held), dayTier)
}

const floor = (time: number, { stepMs }: Tier): number => Math.floor(time / stepMs) * stepMs
const ceil = (time: number, { stepMs }: Tier): number => Math.ceil(time / stepMs) * stepMs

function startOf(from: number, held: Held): number {
  const minute = floor(from, minuteTier)
  const hour = minute < held.minute ? floor(minute, hourTier) : minute
  return hour < held.hour ? floor(hour, dayTier) : hour
}

function endOf(to: number, held: Held): number {
  const minute = ceil(to, minuteTier)
  const hour = floor(minute, hourTier) < held.minute ? ceil(minute, hourTier) : minute
  return floor(hour, dayTier) < held.hour ? ceil(hour, dayTier) : hour
}

/** The end that an answer names: as it was asked for, unless the range had to grow by more than a minute. */
export function endToTell(spans: readonly Span[], to: number): number {
  const end = spans.at(-1)?.to ?? to
  return end - to >= minuteTier.stepMs ? end : to
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

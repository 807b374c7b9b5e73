/** The steps in which the ledger is summed up. Charts read the coarsest that still shows their range well. */
export interface Tier {
  readonly name: 'minute' | 'hour' | 'day'
  readonly stepMs: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** From the finest to the coarsest. */
export const tiers: readonly Tier[] = [
  { name: 'minute', stepMs: minuteMs },
  { name: 'hour', stepMs: hourMs },
  { name: 'day', stepMs: dayMs },
]
export const [minuteTier, hourTier, dayTier] = tiers as readonly [Tier, Tier, Tier] // three, by the list above

/** The tier whose buckets fill a step whole. */
export function tierForStep(stepMs: number): Tier {
  if (stepMs % dayMs === 0) return dayTier
  return stepMs % hourMs === 0 ? hourTier : minuteTier
}

/** Slots of the latency histograms: 64 to the octave, so a value is known to 1.1 %. Mergeable by adding counts. */
export const slotsPerOctave = 64

/** The middle of a slot, in milliseconds. */
export const millisecondsOfSlot = (slot: number): number => 2 ** ((slot + 0.5) / slotsPerOctave)

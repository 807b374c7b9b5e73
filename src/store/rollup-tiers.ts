/** The steps in which the ledger is summed up. Charts read the coarsest that still shows their range well. */
export interface Tier {
  readonly name: 'minute' | 'hour' | 'day'
  readonly stepMs: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

export const tiers: readonly Tier[] = [
  { name: 'minute', stepMs: minuteMs },
  { name: 'hour', stepMs: hourMs },
  { name: 'day', stepMs: dayMs },
]
const [minute, hour, day] = tiers as readonly [Tier, Tier, Tier] // three, by the list above

/** The tier for a range: minutes up to two days, hours up to sixty, days beyond. */
export function tierFor(fromMs: number, toMs: number): Tier {
  const span = toMs - fromMs
  if (span <= 2 * dayMs) return minute
  return span <= 60 * dayMs ? hour : day
}

/** The tier whose buckets fill a step whole. */
export function tierForStep(stepMs: number): Tier {
  if (stepMs % dayMs === 0) return day
  return stepMs % hourMs === 0 ? hour : minute
}

/** A moment as the start of its bucket: rollups know nothing finer. */
export const floorTo = (tier: Tier, ms: number): Date => new Date(Math.floor(ms / tier.stepMs) * tier.stepMs)

/** Slots of the latency histograms: 64 to the octave, so a value is known to 1.1 %. Mergeable by adding counts. */
export const slotsPerOctave = 64

/** The middle of a slot, in milliseconds. */
export const millisecondsOfSlot = (slot: number): number => 2 ** ((slot + 0.5) / slotsPerOctave)

import { createRandom } from './random.ts'

const hoursADay = 24
const startsAtHour = 9 // a demo that has just begun should look like a working day
const burstShare = 0.1
const burstFactor = 2.5
// Mean of the raw curve over a day, so that the configured rate is the mean.
const meanLevel = average((hour) => rawLevel(hour))

/**
 * How busy it is at `elapsedMs` of traffic whose day lasts `dayMs`: 1 on average, low at night, with a peak before and
 * one after lunch. Seeded bursts of half an hour come on top.
 */
export function busyness(elapsedMs: number, dayMs: number, seed: string): number {
  const hours = startsAtHour + (elapsedMs / dayMs) * hoursADay
  const slot = Math.floor(hours * 2)
  const burst = createRandom(`${seed}:burst:${slot}`).chance(burstShare) ? burstFactor : 1
  return (rawLevel(hours % hoursADay) / meanLevel) * burst
}

function rawLevel(hour: number): number {
  const peak = (at: number, width: number): number => Math.exp(-(((hour - at) / width) ** 2))
  return 0.12 + peak(10.5, 2.2) + 0.9 * peak(15.5, 2.6) + 0.25 * peak(21, 1.5)
}

function average(level: (hour: number) => number): number {
  const steps = 96
  let sum = 0
  for (let i = 0; i < steps; i++) sum += level((i / steps) * hoursADay)
  return sum / steps
}

/** Counts wrong keys by address, so that a weak key can not be found by trying. */
import type { Clock } from '../core/clock.ts'

/** A script with an old key that polls each second stays below; guessing gets nowhere. */
export const wrongKeysPerMinute = 120
const addressesLimit = 10_000 // beyond it the oldest are forgotten
const windowMs = 60_000

/** Counts wrong keys by address, bounded. */
export interface WrongKeys {
  /** Seconds to wait; 0 when the address may try. */
  waitSeconds(address: string): number
  add(address: string): void
}

export function createWrongKeys(clock: Clock): WrongKeys {
  const counts = new Map<string, { since: number; count: number }>()
  const current = (address: string) => {
    const entry = counts.get(address)
    if (entry !== undefined && clock.now() - entry.since < windowMs) return entry
    counts.delete(address)
    return undefined
  }
  return {
    waitSeconds(address) {
      const entry = current(address)
      if (entry === undefined || entry.count < wrongKeysPerMinute) return 0
      return Math.max(1, Math.ceil((entry.since + windowMs - clock.now()) / 1000))
    },
    add(address) {
      const entry = current(address)
      if (entry !== undefined) {
        entry.count += 1
        return
      }
      const oldest = counts.keys().next()
      if (counts.size >= addressesLimit && !oldest.done) counts.delete(oldest.value)
      counts.set(address, { since: clock.now(), count: 1 })
    },
  }
}

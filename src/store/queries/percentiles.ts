import { millisecondsOfSlot } from '../rollup-tiers.ts'

/** Milliseconds; null without samples. */
export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Merged histograms as they come back; null where there was no row at all. */
export interface HistogramRow {
  readonly response_time: string | null
  readonly ttft: string | null
}

/** SQL that merges the histograms of a group (see the schema). As text, because a double holds one slot of them. */
export const histogramColumns = 'sum(response_time)::text AS response_time, sum(ttft)::text AS ttft'

/** How the schema packs a histogram: digits of a slot's count, and the slot whose count stands before the point. */
const slotDigits = 12
const unitSlot = 640
const emptySlot = '0'.repeat(slotDigits)

/** The calls in each slot that has some, longest first. */
export function slotCounts(histogram: string): { readonly slot: number; readonly count: number }[] {
  const point = histogram.indexOf('.')
  const whole = point < 0 ? histogram : histogram.slice(0, point)
  const wholeSlots = Math.ceil(whole.length / slotDigits)
  const digits = whole.padStart(wholeSlots * slotDigits, '0') + (point < 0 ? '' : histogram.slice(point + 1))
  const counts = []
  for (let at = 0; at < digits.length; at += slotDigits) {
    const own = digits.slice(at, at + slotDigits)
    if (own !== emptySlot) counts.push({ slot: unitSlot + wholeSlots - 1 - at / slotDigits, count: Number(own) })
  }
  return counts
}

/** The smallest slot that has the asked share of all calls in it or below. */
export function percentilesOf(histogram: string | null | undefined): Percentiles {
  const counts = histogram ? slotCounts(histogram) : []
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const at = (share: number): number | null => {
    let above = 0
    for (const { slot, count } of counts) {
      above += count
      if (total - above < share * total) return toMs(slot)
    }
    return null
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** Rounded to what the slots can tell: three digits and a bit. */
const toMs = (slot: number): number => Math.round(millisecondsOfSlot(slot) * 10) / 10

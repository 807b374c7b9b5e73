import { millisecondsOfSlot } from '../rollup-tiers.ts'

export interface SlotRow {
  readonly kind: 'total' | 'ttft'
  readonly slot: number
  readonly requests: string
}

export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Percentiles of one kind from merged slots, in milliseconds; null without samples. `rows` in ascending slots. */
export function percentilesOf(rows: readonly SlotRow[], kind: SlotRow['kind']): Percentiles {
  const slots = rows.filter((row) => row.kind === kind).sort((left, right) => left.slot - right.slot)
  const total = slots.reduce((sum, row) => sum + Number(row.requests), 0)
  const at = (share: number): number | null => {
    let seen = 0
    for (const row of slots) {
      seen += Number(row.requests)
      if (seen >= share * total) return Math.round(millisecondsOfSlot(row.slot) * 10) / 10
    }
    return null
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

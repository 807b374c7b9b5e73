import type { Retention } from './config.ts'

export type Unit = 'day' | 'month' | 'year'

/** A table that is cut by time (UTC), so that what is too old goes by dropping a table and never row by row. */
export interface TimeTable {
  readonly name: string
  /** The column of its time. */
  readonly column: string
  /** The length of its partitions. */
  readonly unit: Unit
  /** Storage parameters of each partition: a partitioned table has none to hand down. */
  readonly storage: string
  /** The setting that says how long its rows are kept. */
  readonly tier: keyof Retention
}

/** Rows that every batch updates: room on the page lets PostgreSQL do so without touching the index. */
const updated = 'fillfactor = 70'

/**
 * All tables that grow with traffic. `rawUnit` is the length of the ledger's own partitions; the others are small, and
 * their partitions long, because each is a table that questions without a time have to look into.
 */
export function timeTables(rawUnit: 'day' | 'month' = 'month'): readonly TimeTable[] {
  return [
    { name: 'api_requests', column: 'created_at', unit: rawUnit, storage: '', tier: 'rawDays' },
    { name: 'rollup_minute', column: 'bucket', unit: 'month', storage: updated, tier: 'minuteDays' },
    { name: 'latency_minute', column: 'bucket', unit: 'month', storage: updated, tier: 'minuteDays' },
    { name: 'rollup_hour', column: 'bucket', unit: 'month', storage: updated, tier: 'hourDays' },
    { name: 'latency_hour', column: 'bucket', unit: 'month', storage: updated, tier: 'hourDays' },
    { name: 'rollup_day', column: 'bucket', unit: 'year', storage: updated, tier: 'dayDays' },
    { name: 'latency_day', column: 'bucket', unit: 'year', storage: updated, tier: 'dayDays' },
    { name: 'rate_limit_samples', column: 'slot_start', unit: 'month', storage: '', tier: 'rateLimitDays' },
  ]
}

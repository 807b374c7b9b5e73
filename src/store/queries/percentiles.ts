import { millisecondsOfSlot } from '../rollup-tiers.ts'

/** Percentiles of one kind in one group, as slots. */
export interface PercentileRow {
  readonly kind: 'total' | 'ttft'
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Milliseconds; null without samples. */
export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/**
 * SQL that merges the latency slots of a relation and reads the percentiles off them, one row a group and kind. Done in
 * the database: a chart of 400 points would be half a million slots on the wire.
 */
export function percentilesSql(
  relation: string,
  groups: readonly { readonly name: string; readonly sql: string }[],
): string {
  const select = groups.map(({ name, sql }) => `${sql} AS ${name}, `).join('')
  const names = groups.map(({ name }) => `${name}, `).join('')
  const at = (share: number): string => `min(slot) FILTER (WHERE seen >= ${share} * total)`
  return `
    WITH merged AS (SELECT ${select}kind, slot, sum(requests) AS n FROM ${relation} AS slots GROUP BY ${names}kind, slot),
    running AS (
      SELECT ${names}kind, slot, sum(n) OVER (PARTITION BY ${names}kind ORDER BY slot) AS seen,
        sum(n) OVER (PARTITION BY ${names}kind) AS total
      FROM merged)
    SELECT ${names}kind, ${at(0.5)} AS p50, ${at(0.95)} AS p95, ${at(0.99)} AS p99 FROM running GROUP BY ${names}kind`
}

/** The percentiles of one kind out of one group's rows. */
export function percentilesOf(rows: readonly PercentileRow[], kind: PercentileRow['kind']): Percentiles {
  const row = rows.find((each) => each.kind === kind)
  return { p50: toMs(row?.p50), p95: toMs(row?.p95), p99: toMs(row?.p99) }
}

/** Rounded to what the slots can tell: three digits and a bit. */
function toMs(slot: number | null | undefined): number | null {
  return slot === null || slot === undefined ? null : Math.round(millisecondsOfSlot(slot) * 10) / 10
}

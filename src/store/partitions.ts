import type { ClientBase, Pool, PoolClient } from 'pg'
import { withShortLocks } from './short-locks.ts'
import { type TimeTable, timeTables, type Unit } from './time-tables.ts'

/** A stretch of time; `to` is exclusive, epoch milliseconds. */
export interface Period {
  readonly from: number
  readonly to: number
}

/** A partition that is there. */
export interface Partition extends Period {
  readonly table: string
  readonly name: string
}

export interface PartitionOptions {
  /** The length of the ledger's own partitions. */
  readonly rawUnit?: 'day' | 'month'
}

/** Any number that only this job takes; a second process waits, then finds the work done. */
const advisoryLock = 5_127_340_119
/** Periods of rows in a default partition that are given a partition of their own in one go. */
const strayLimit = 24
const dayMs = 86_400_000

/** How far around the present partitions are made: late records before it, and an idle scheduler after it. */
const around: Readonly<Record<Unit, { readonly before: number; readonly ahead: number }>> = {
  day: { before: 2, ahead: 14 },
  month: { before: 1, ahead: 3 },
  year: { before: 1, ahead: 1 },
}

/** The periods around `now` for which partitions should be there. */
export function periodsAround(now: number, unit: Unit): Period[] {
  const { before, ahead } = around[unit]
  const start = startOf(now, unit)
  return Array.from({ length: before + 1 + ahead }, (_, index) => periodAt(start, unit, index - before))
}

/** The periods that cover a stretch of time. */
export function periodsOver({ from, to }: Period, unit: Unit): Period[] {
  const periods: Period[] = []
  for (let at = periodAt(startOf(from, unit), unit, 0); at.from < to; at = periodAt(at.from, unit, 1)) periods.push(at)
  return periods
}

function startOf(time: number, unit: Unit): number {
  const date = new Date(time)
  if (unit === 'year') return Date.UTC(date.getUTCFullYear(), 0)
  if (unit === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
  return Math.floor(time / dayMs) * dayMs
}

function periodAt(start: number, unit: Unit, offset: number): Period {
  const date = new Date(start)
  const edge = (steps: number): number => {
    if (unit === 'year') return Date.UTC(date.getUTCFullYear() + steps, 0)
    if (unit === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + steps)
    return start + steps * dayMs
  }
  return { from: edge(offset), to: edge(offset + 1) }
}

/** `api_requests_2026_11_23`, `rollup_hour_2026_11`, `rollup_day_2026`. */
export function partitionName(table: string, { from, to }: Period): string {
  const days = (to - from) / dayMs
  const digits = days <= 1 ? 10 : days <= 31 ? 7 : 4
  return `${table}_${new Date(from).toISOString().slice(0, digits).replaceAll('-', '_')}`
}

/** What of `wanted` no partition covers yet. A period that is there in part (by day, say) is completed by shorter ones. */
export function missingPeriods(present: readonly Period[], wanted: readonly Period[], unit: Unit): Period[] {
  return wanted.flatMap((period) => {
    const overlapping = present.filter((each) => each.from < period.to && each.to > period.from)
    if (overlapping.length === 0) return [period]
    const finer = unit === 'year' ? 'month' : 'day'
    return unit === 'day' ? [] : missingPeriods(overlapping, periodsOver(period, finer), finer)
  })
}

/** The partitions of all tables that are cut by time, in the order of their time; default partitions are left out. */
export async function listPartitions(client: Pool | ClientBase): Promise<Partition[]> {
  // The bounds are printed in the time zone of the session, so PostgreSQL has to read them back itself.
  const bound = (side: string): string =>
    `(extract(epoch from substring(pg_get_expr(part.relpartbound, part.oid) from '${side} \\(''([^'']+)''\\)')::timestamptz) * 1000)::float8`
  const { rows } = await client.query<Partition>(
    `select parent.relname as table, part.relname as name, ${bound('FROM')} as "from", ${bound('TO')} as "to"
     from pg_inherits
     join pg_class as part on part.oid = inhrelid
     join pg_class as parent on parent.oid = inhparent
     where part.relispartition and part.relkind = 'r' and parent.relnamespace = current_schema()::regnamespace
       and parent.relname = any($1) and pg_get_expr(part.relpartbound, part.oid) <> 'DEFAULT'
     order by 3, 1`,
    [timeTables().map((table) => table.name)],
  )
  return rows
}

/**
 * Makes the partitions that are missing around `now`, and those of rows that a default partition holds (a recorder that
 * came late, imported history); such rows move into theirs. Returns the names of what it made. Several processes may do
 * this at once. Throws where a lock is not to be had for longer: trying again later is safe, rows have a place meanwhile.
 */
export async function ensurePartitions(pool: Pool, now: number, options: PartitionOptions = {}): Promise<string[]> {
  return ensure(pool, options, async (client, table) => [
    ...periodsAround(now, table.unit),
    ...(await strayPeriods(client, table, now)),
  ])
}

/** Makes the partitions of a stretch of time before many rows of it are written: a restore, an import, a benchmark. */
export async function ensurePartitionsOver(
  pool: Pool,
  period: Period,
  options: PartitionOptions = {},
): Promise<string[]> {
  return ensure(pool, options, async (_client, table) => periodsOver(period, table.unit))
}

async function ensure(
  pool: Pool,
  { rawUnit }: PartitionOptions,
  wantedOf: (client: PoolClient, table: TimeTable) => Promise<Period[]>,
): Promise<string[]> {
  const client = await pool.connect()
  let broken: unknown
  try {
    const present = await listPartitions(client)
    const made: string[] = []
    for (const table of timeTables(rawUnit)) {
      const own = present.filter((each) => each.table === table.name)
      for (const period of missingPeriods(own, unique(await wantedOf(client, table)), table.unit)) {
        const name = partitionName(table.name, period)
        if (await withShortLocks(client, () => makePartition(client, table, name, period))) made.push(name)
      }
    }
    return made
  } catch (error) {
    broken = error
    throw error
  } finally {
    client.release(broken !== undefined)
  }
}

const unique = (periods: readonly Period[]): Period[] => [
  ...new Map(periods.map((period) => [period.from, period])).values(),
]

/** Rows of the far future stay where they are: a clock that is wrong by years must not make tables for them. */
async function strayPeriods(client: PoolClient, { name, column, unit }: TimeTable, now: number): Promise<Period[]> {
  const end = Math.max(...periodsAround(now, unit).map((period) => period.to))
  const { rows } = await client.query<{ at: number }>(
    `select distinct (extract(epoch from date_trunc('${unit}', ${column}, 'UTC')) * 1000)::float8 as at
     from ${name}_default where ${column} < to_timestamp($1::float8 / 1000) and isfinite(${column})
     order by at desc limit ${strayLimit}`,
    [end],
  )
  return rows.map(({ at }) => periodAt(at, unit, 0))
}

/** In one transaction of the caller's. Names and bounds are made from numbers; nothing from outside is in this text. */
async function makePartition(client: PoolClient, table: TimeTable, name: string, period: Period): Promise<boolean> {
  await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name])
  if (rows[0]?.found === true) return false
  const [from, to] = [new Date(period.from).toISOString(), new Date(period.to).toISOString()]
  const stray = `${table.column} >= '${from}' and ${table.column} < '${to}'`
  await client.query(`
    create table ${name} (like ${table.name} including defaults including constraints)
      ${table.storage === '' ? '' : `with (${table.storage})`};
    lock table ${table.name}_default in access exclusive mode;
    with moved as (delete from ${table.name}_default where ${stray} returning *)
      insert into ${name} select * from moved;
    alter table ${table.name} attach partition ${name} for values from ('${from}') to ('${to}');
  `)
  return true
}

import type { Pool, PoolClient } from 'pg'

/** A month (UTC) of the ledger as a partition. */
export interface MonthPartition {
  readonly name: string
  readonly from: string
  readonly to: string
}

/** Any number that only this job takes; a second process waits, then finds the work done. */
const advisoryLock = 5_127_340_119

/** The month before `now` (late records), its own, and `ahead` months after it. */
export function monthsAround(now: number, ahead: number): MonthPartition[] {
  const date = new Date(now)
  const first = date.getUTCFullYear() * 12 + date.getUTCMonth() - 1
  return Array.from({ length: ahead + 2 }, (_, index) => monthPartition(first + index))
}

function monthPartition(monthNumber: number): MonthPartition {
  const label = (number: number): string => `${Math.floor(number / 12)}-${String((number % 12) + 1).padStart(2, '0')}`
  return {
    name: `api_requests_${label(monthNumber).replace('-', '_')}`,
    from: `${label(monthNumber)}-01 00:00:00+00`,
    to: `${label(monthNumber + 1)}-01 00:00:00+00`,
  }
}

/**
 * Makes the partitions that are missing and returns their names. Rows of such a month that had gone to the default
 * partition move into the new one, in the same transaction.
 */
export async function ensurePartitions(pool: Pool, now: number, ahead = 3): Promise<string[]> {
  const wanted = monthsAround(now, ahead)
  const { rows } = await pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'api_requests'::regclass`,
  )
  const missing = wanted.filter((month) => !rows.some((row) => row.name === month.name))
  if (missing.length === 0) return []
  const client = await pool.connect()
  try {
    const made: string[] = []
    for (const month of missing) if (await makePartition(client, month)) made.push(month.name)
    return made
  } finally {
    client.release()
  }
}

async function makePartition(client: PoolClient, month: MonthPartition): Promise<boolean> {
  const { name, from, to } = month
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
    const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name])
    if (rows[0]?.found === true) {
      await client.query('rollback')
      return false
    }
    // Names and bounds are made above from numbers; nothing from outside is in this text.
    await client.query(`
      create table ${name} (like api_requests including defaults including constraints);
      lock table api_requests_default in access exclusive mode;
      with moved as (
        delete from api_requests_default where created_at >= '${from}' and created_at < '${to}' returning *
      ) insert into ${name} select * from moved;
      alter table api_requests attach partition ${name} for values from ('${from}') to ('${to}');
    `)
    await client.query('commit')
    return true
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

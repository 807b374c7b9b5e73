import type { Pool, PoolClient } from 'pg'
import { type TimeTable, timeTables } from './time-tables.ts'

/** Any number that only this job takes. */
const advisoryLock = 5_127_340_120

/**
 * Makes the default partition of each table that is cut by time where someone dropped or detached it: with it every row
 * has a place, whatever happened to the others. A detached one is attached again; where its rows forbid that, it keeps
 * them under another name.
 */
export async function ensureDefaultPartition(pool: Pool): Promise<'present' | 'made'> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
    const missing = await withoutDefault(client)
    for (const table of missing) await makeDefault(client, table)
    await client.query('commit')
    return missing.length === 0 ? 'present' : 'made'
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

async function withoutDefault(client: PoolClient): Promise<TimeTable[]> {
  const { rows } = await client.query<{ name: string }>(
    `select partrelid::regclass::text as name from pg_partitioned_table
     where partdefid = 0 and partrelid = any($1::regclass[])`,
    [timeTables().map((table) => table.name)],
  )
  return timeTables().filter((table) => rows.some((row) => row.name === table.name))
}

async function makeDefault(client: PoolClient, { name, storage }: TimeTable): Promise<void> {
  const { rows } = await client.query<{ left_behind: boolean; epoch: string }>(
    'select to_regclass($1) is not null as left_behind, floor(extract(epoch from now()))::text as epoch',
    [`${name}_default`],
  )
  const [found] = rows
  if (found?.left_behind === true) {
    try {
      await client.query('savepoint attaching')
      await client.query(`alter table ${name} attach partition ${name}_default default`)
      return
    } catch {
      await client.query('rollback to savepoint attaching')
      // The epoch is a number that the database made.
      await client.query(`alter table ${name}_default rename to ${name}_detached_${found.epoch}`)
    }
  }
  const options = storage === '' ? '' : ` with (${storage})`
  await client.query(`create table ${name}_default partition of ${name} default${options}`)
}

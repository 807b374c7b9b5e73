import type { Pool, PoolClient } from 'pg'
import { type TimeTable, timeTables } from './time-tables.ts'

/** Any number that only this job takes. */
const advisoryLock = 5_127_340_120

/**
 * Makes the default partitions that someone dropped or detached, and returns the names of their tables: with them every row
 * has a place, whatever happened to the other partitions. A detached one is attached again; where its rows forbid that, it
 * keeps them under another name.
 */
export async function ensureDefaultPartitions(pool: Pool): Promise<string[]> {
  const client = await pool.connect()
  let broken: unknown
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
    const made: string[] = []
    for (const table of timeTables()) {
      if (await hasDefault(client, table)) continue
      await makeDefault(client, table)
      made.push(table.name)
    }
    await client.query('commit')
    return made
  } catch (error) {
    broken = error
    throw error
  } finally {
    // A connection that was left within its transaction is of no use to the next.
    client.release(broken !== undefined)
  }
}

async function hasDefault(client: PoolClient, table: TimeTable): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    'select partdefid <> 0 as found from pg_partitioned_table where partrelid = $1::regclass',
    [table.name],
  )
  return rows[0]?.found === true
}

/** Names are the store's own and the epoch is a number: nothing from outside is in this text. */
async function makeDefault(client: PoolClient, { name, storage }: TimeTable): Promise<void> {
  const { rows } = await client.query<{ left_behind: boolean; epoch: string }>(
    'select to_regclass($1) is not null as left_behind, floor(extract(epoch from clock_timestamp()))::text as epoch',
    [`${name}_default`],
  )
  const [found] = rows
  if (found?.left_behind === true) {
    await client.query('savepoint attaching')
    try {
      await client.query(`alter table ${name} attach partition ${name}_default default`)
      return
    } catch {
      await client.query('rollback to savepoint attaching')
      await client.query(`alter table ${name}_default rename to ${name}_detached_${found.epoch}`)
    }
  }
  const parameters = storage === '' ? '' : `with (${storage})`
  await client.query(`create table ${name}_default partition of ${name} default ${parameters}`)
}

import type { Pool, PoolClient } from 'pg'

/** Any number that only this job takes. */
const advisoryLock = 5_127_340_120

/**
 * Makes the ledger's default partition where someone dropped or detached it: with it every row has a place, whatever
 * happened to the others. A detached one is attached again; where its rows forbid that, it keeps them under another name.
 */
export async function ensureDefaultPartition(pool: Pool): Promise<'present' | 'made'> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
    const made = (await hasDefault(client)) ? 'present' : await makeDefault(client)
    await client.query('commit')
    return made
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

async function hasDefault(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select partdefid <> 0 as found from pg_partitioned_table where partrelid = 'api_requests'::regclass`,
  )
  return rows[0]?.found === true
}

async function makeDefault(client: PoolClient): Promise<'made'> {
  const { rows } = await client.query<{ left_behind: boolean; epoch: string }>(
    `select to_regclass('api_requests_default') is not null as left_behind, floor(extract(epoch from now()))::text as epoch`,
  )
  const [found] = rows
  if (found?.left_behind === true) {
    try {
      await client.query('savepoint attaching')
      await client.query('alter table api_requests attach partition api_requests_default default')
      return 'made'
    } catch {
      await client.query('rollback to savepoint attaching')
      // The epoch is a number that the database made.
      await client.query(`alter table api_requests_default rename to api_requests_detached_${found.epoch}`)
    }
  }
  await client.query('create table api_requests_default partition of api_requests default')
  return 'made'
}

import { setTimeout as wait } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { codeOf } from './store-error.ts'

/**
 * How long a change of a table may stand in line for its lock. While it stands there everybody who comes later stands
 * behind it, the recorder too, so this is the longest that a change of tables can hold the recorder up.
 */
const lockTimeoutMs = 200
const pauseMs = 250
/** With these pauses a change is tried for some ten seconds: longer than any question of the dashboard may take. */
const tries = 25

/**
 * Runs `work` in a transaction whose locks are waited for briefly, and again after a pause where one was not to be had.
 * Rejects with the database's error (55P03) where it never was. The connection is left without a transaction.
 */
export async function withShortLocks<T>(client: PoolClient, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      await client.query(`begin; set local lock_timeout = ${lockTimeoutMs}`)
      const result = await work()
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => undefined)
      // 55P03: lock not available. 40P01: deadlock detected.
      const again = codeOf(error) === '55P03' || codeOf(error) === '40P01'
      if (!again || turn >= tries) throw error
    }
    await wait(pauseMs, undefined, { ...(signal !== undefined && { signal }) })
  }
}

import pg from 'pg'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { QueryFinished } from '../core/signals.ts'
import { tellSlowQuery } from '../core/slow-query.ts'
import type { Sql } from './sql.ts'
import { codeOf, StoreError } from './store-error.ts'

export interface NamedSqlOptions {
  readonly pool: pg.Pool
  readonly clock: Clock
  readonly logger: Logger
  readonly slowQueryThresholdMs: number
  readonly onQuery: (query: QueryFinished) => void
  /** False until the schema is there; statements are refused until then. */
  readonly isReady: () => boolean
  /**
   * Statements planned once a connection: for a large one that runs all the time, planning costs more than running. Asked
   * each time, because only a look at the server tells whether it can be.
   */
  readonly prepared?: () => boolean
  /** Statements that begin the transaction in which each statement runs; without them each is its own. */
  readonly begin?: string
  /** Told how long each statement waited for a connection. */
  readonly onWait?: (ms: number) => void
}

/**
 * The way to ask PostgreSQL that queries and writers are given: every statement has a name, is timed, told to `onQuery`,
 * and logged when it is slow. Neither its text nor its values ever leave this room.
 */
export function createNamedSql(options: NamedSqlOptions): Sql {
  const { clock, isReady, prepared } = options
  return {
    async query<R extends object>(name: string, text: string, values: readonly unknown[] = []): Promise<R[]> {
      if (!isReady()) throw new StoreError('unavailable', 'The ledger can not be reached yet.')
      const startedAt = clock.monotonic()
      let rowCount = 0
      let failed = true
      try {
        const config = { text: withName(name, text), values: [...values], ...(prepared?.() === true && { name }) }
        const { rows } = await runOn<R & pg.QueryResultRow>(options, config)
        rowCount = rows.length
        failed = false
        return rows
      } finally {
        report(options, { name, ms: clock.monotonic() - startedAt, rows: rowCount, failed })
      }
    },
  }
}

/**
 * The name goes along as a comment, so that the server's own lists tell whose statement it is. Behind the first word:
 * what stands before a statement is not kept by every version, and what stands at its end is cut off where it is long.
 */
function withName(name: string, text: string): string {
  return text.replace(/^\s*\w+/, (word) => `${word} /* ${name} */`)
}

/** As `pool.query`, but a connection survives an error of the statement itself: only a broken one is thrown away. */
async function runOn<R extends pg.QueryResultRow>(
  { pool, begin, clock, onWait }: NamedSqlOptions,
  config: pg.QueryConfig,
): Promise<pg.QueryResult<R>> {
  const askedAt = clock.monotonic()
  const client = await take(pool)
  onWait?.(clock.monotonic() - askedAt)
  try {
    if (begin !== undefined) await client.query(begin)
    const result = await client.query<R>(config)
    if (begin !== undefined) await client.query('commit')
    client.release()
    return result
  } catch (error) {
    const answered = error instanceof pg.DatabaseError && error.severity === 'ERROR'
    const whole = answered && (begin === undefined || (await rolledBack(client)))
    client.release(whole ? undefined : true)
    throw error
  }
}

/** A connection of the pool. Throws `StoreError` `busy` where all of them are taken for longer than the pool waits. */
async function take(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const allTaken = pool.totalCount >= pool.options.max && pool.idleCount === 0
    if (!allTaken || codeOf(error) !== undefined) throw error
    throw new StoreError('busy', 'All connections for such questions are taken; try again in a moment.', {
      cause: error,
    })
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}

function report(options: NamedSqlOptions, finished: QueryFinished): void {
  options.onQuery(finished)
  tellSlowQuery(options.logger, finished, options.slowQueryThresholdMs)
}

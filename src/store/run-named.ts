import pg from 'pg'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { QueryFinished } from '../core/signals.ts'
import { tellSlowQuery } from '../core/slow-query.ts'
import type { Sql } from './sql.ts'
import { StoreError } from './store-error.ts'

export interface NamedSqlOptions {
  readonly pool: pg.Pool
  readonly clock: Clock
  readonly logger: Logger
  readonly slowQueryThresholdMs: number
  readonly onQuery: (query: QueryFinished) => void
  /** False until the schema is there; statements are refused until then. */
  readonly isReady: () => boolean
  /** Statements planned once a connection: for a large one that runs all the time, planning costs more than running. */
  readonly prepared?: boolean
}

/**
 * The way to ask PostgreSQL that queries and writers are given: every statement has a name, is timed, told to `onQuery`,
 * and logged when it is slow. Neither its text nor its values ever leave this room.
 */
export function createNamedSql(options: NamedSqlOptions): Sql {
  const { pool, clock, isReady, prepared } = options
  return {
    async query<R extends object>(name: string, text: string, values: readonly unknown[] = []): Promise<R[]> {
      if (!isReady()) throw new StoreError('unavailable', 'The ledger can not be reached yet.')
      const startedAt = clock.monotonic()
      let rowCount = 0
      let failed = true
      try {
        const config = { text: withName(name, text), values: [...values], ...(prepared === true && { name }) }
        const { rows } = await runOn<R & pg.QueryResultRow>(pool, config)
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
async function runOn<R extends pg.QueryResultRow>(pool: pg.Pool, config: pg.QueryConfig): Promise<pg.QueryResult<R>> {
  const client = await pool.connect()
  try {
    const result = await client.query<R>(config)
    client.release()
    return result
  } catch (error) {
    const answered = error instanceof pg.DatabaseError && error.severity === 'ERROR'
    client.release(answered ? undefined : true)
    throw error
  }
}

function report(options: NamedSqlOptions, finished: QueryFinished): void {
  options.onQuery(finished)
  tellSlowQuery(options.logger, finished, options.slowQueryThresholdMs)
}

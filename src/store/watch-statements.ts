import type pg from 'pg'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { tellSlowQuery } from '../core/slow-query.ts'
import { nameOfStatement } from './queries/database/without-literals.ts'

export interface WatchOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly slowQueryThresholdMs: number
}

/**
 * Logs the slow ones of the statements that have no name: migrations, the making and dropping of partitions. Those with
 * one are timed where they are asked (run-named.ts). Streams of rows, which take as long as their reader, are let be.
 */
export function watchStatements(pool: pg.Pool, options: WatchOptions): void {
  pool.on('connect', (client) => {
    // The overloads of `query` differ in what they return; what comes in goes on as it came.
    const ask = client.query.bind(client) as (...args: unknown[]) => unknown
    Object.assign(client, { query: (...args: unknown[]) => watched(ask, args, options) })
  })
}

function watched(ask: (...args: unknown[]) => unknown, args: unknown[], options: WatchOptions): unknown {
  const text = textOf(args[0])
  if (text === null || nameOfStatement(text) !== null) return ask(...args)
  const { clock, logger, slowQueryThresholdMs } = options
  const startedAt = clock.monotonic()
  const ended = (failed: boolean, result: unknown): void => {
    const finished = {
      name: `unnamed-${kindOf(text)}`,
      ms: clock.monotonic() - startedAt,
      rows: rowsOf(result),
      failed,
    }
    tellSlowQuery(logger, finished, slowQueryThresholdMs)
  }
  const last = args.at(-1)
  if (typeof last === 'function') {
    const told = (error: unknown, result: unknown): void => {
      ended(Boolean(error), result)
      last(error, result)
    }
    return ask(...args.slice(0, -1), told)
  }
  const answer = ask(...args)
  if (!(answer instanceof Promise)) return answer
  answer.then(
    (result: unknown) => ended(false, result),
    () => ended(true, null),
  )
  return answer
}

/** The text of a plain statement; null for cursors and streams, which bring their own way of being sent. */
function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement
  if (typeof statement !== 'object' || statement === null || 'submit' in statement) return null
  return 'text' in statement && typeof statement.text === 'string' ? statement.text : null
}

const kinds =
  /^\s*(select|insert|update|delete|create|alter|drop|lock|set|begin|commit|rollback|with|vacuum|analyze)\b/i

const kindOf = (text: string): string => kinds.exec(text)?.[1]?.toLowerCase() ?? 'statement'

function rowsOf(result: unknown): number {
  const counted = typeof result === 'object' && result !== null && 'rowCount' in result ? result.rowCount : 0
  return typeof counted === 'number' ? counted : 0
}

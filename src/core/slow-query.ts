import type { Logger } from './logger.ts'
import type { QueryFinished } from './signals.ts'

/**
 * The one log line of a slow statement (contract of the monitoring guide: `grep "Slow SQL query"`). Only the name of the
 * question: SQL text and parameters may hold what must not be logged.
 */
export function tellSlowQuery(logger: Logger, { name, ms, rows, failed }: QueryFinished, thresholdMs: number): void {
  if (ms < thresholdMs) return
  logger.warn('slow_query', 'Slow SQL query', {
    query_name: name,
    query_ms: Math.round(ms),
    threshold_ms: thresholdMs,
    row_count: rows,
    failed: failed || undefined,
  })
}

import process from 'node:process'
import type { Clock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'

/**
 * The logger of a command: as the given one, and a slow statement is told on standard error as well, in the line that an
 * instance would log. A command's own output stays what it is.
 */
export function tellingSlowQueries(logger: Logger, clock: Clock): Logger {
  return {
    ...logger,
    warn(event: string, message: string, fields?: LogFields) {
      logger.warn(event, message, fields)
      if (event !== 'slow_query') return
      const head = { '@timestamp': new Date(clock.now()).toISOString(), level: 'warn', severity: 'WARNING' }
      process.stderr.write(`${JSON.stringify({ ...head, event, message, ...fields })}\n`)
    },
  }
}

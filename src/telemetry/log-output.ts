import type { LogLevel, LogRecord } from './log-line.ts'

/** Where finished lines go: standard output, and the log file if there is one. */
export interface LogOutput {
  isOn(level: LogLevel): boolean
  /** Takes a line and returns at once; never throws. A line below the level is not written. */
  write(record: LogRecord): void
}

export interface LineSink {
  /** One line with its line feed. */
  push(line: string): void
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/**
 * Serialises each line once for all its readers. `render` makes the form for people; without it standard output gets
 * JSON too. `eventField` renames `event` in the file.
 */
export function createLogOutput(options: {
  readonly level: LogLevel
  readonly stdout: LineSink
  readonly file?: LineSink | undefined
  readonly eventField: string
  readonly render?: ((record: LogRecord) => string) | undefined
  readonly onLine: (level: LogLevel) => void
}): LogOutput {
  const { stdout, file, render, eventField, onLine } = options
  const least = rank[options.level]
  return {
    isOn: (level) => rank[level] >= least,
    write(record) {
      if (rank[record.level] < least) return
      onLine(record.level)
      if (render !== undefined) stdout.push(render(record))
      if (render !== undefined && file === undefined) return
      const line = `${JSON.stringify(record)}\n`
      if (render === undefined) stdout.push(line)
      // A quote inside a value is escaped, so the first match can only be the key.
      file?.push(eventField === 'event' ? line : line.replace(',"event":', `,"${eventField}":`))
    },
  }
}

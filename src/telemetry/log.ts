import type { Writable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { levels } from './catalogue/row.ts'
import { logFilePath, type TelemetrySettings } from './config.ts'
import { fileTarget } from './file-target.ts'
import { createLocalTime, type LocalTime } from './local-time.ts'
import { logDirectorySize } from './log-directory-size.ts'
import { createLogOutput, type LogOutput } from './log-output.ts'
import { LogSink } from './log-sink.ts'
import { createLogger } from './logger.ts'
import type { MetricRegistry } from './metric-registry.ts'
import { prettyLine } from './pretty-line.ts'
import { streamTarget } from './stream-target.ts'

export interface Log {
  readonly logger: Logger
  readonly output: LogOutput
  readonly localTime: LocalTime
  /** False while standard output or the log file can not be written. */
  isHealthy(): boolean
  /** The log file was rotated. */
  reopen(): void
  /** Writes what is queued, for at most `deadlineMs` milliseconds. */
  close(deadlineMs?: number): Promise<void>
}

/** The log of one process: standard output and, where one is set, the log file; and the metrics about both. */
export function openLog(options: {
  readonly config: TelemetrySettings
  readonly clock: Clock
  readonly stdout: Writable
  readonly isTty: boolean
  readonly registry: MetricRegistry
}): Log {
  const { config, clock, registry } = options
  const path = logFilePath(config.logFile)
  const stdout = new LogSink(streamTarget(options.stdout))
  const file = path === undefined ? undefined : new LogSink(fileTarget(path, clock))
  const pretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && options.isTty)

  const lines = registry.counter('signalbox_log_lines_total')
  const byLevel = new Map(levels.map((level) => [level, lines.child({ level })]))
  const localTime = createLocalTime()
  const output = createLogOutput({
    level: config.logLevel,
    stdout,
    file,
    eventField: config.logFileEventField,
    render: pretty ? prettyLine : undefined,
    onLine: (level) => byLevel.get(level)?.add(1),
  })
  const logger = createLogger({ clock, localTime, output })

  watchSink(registry, 'stdout', stdout)
  if (file !== undefined) watchSink(registry, 'file', file)
  if (path !== undefined) {
    const size = logDirectorySize(path, clock)
    const gauge = registry.gauge('signalbox_log_dir_bytes').child({})
    registry.onScrape(async () => gauge.set(await size()))
  }
  const sinks = file === undefined ? [stdout] : [stdout, file]
  return {
    logger,
    output,
    localTime,
    isHealthy: () => sinks.every((sink) => sink.state().healthy),
    reopen() {
      if (file === undefined) return
      file.reopen()
      // So that no rotated file is empty, however quiet the hour.
      logger.info('log_reopened', 'log file reopened')
    },
    close: async (deadlineMs) => {
      await Promise.all(sinks.map((sink) => sink.close(deadlineMs)))
    },
  }
}

function watchSink(registry: MetricRegistry, name: 'stdout' | 'file', sink: LogSink): void {
  const dropped = registry.counter('signalbox_log_dropped_total').child({ sink: name })
  const errors = registry.counter('signalbox_log_write_errors_total').child({ sink: name })
  registry.onScrape(() => {
    const state = sink.state()
    dropped.follow(state.droppedLines)
    errors.follow(state.writeErrors)
  })
}

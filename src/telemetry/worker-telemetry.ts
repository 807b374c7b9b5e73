import type { Writable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { JournalState } from '../core/signals.ts'
import type { TelemetrySettings } from './config.ts'
import { type MetricsJson, metricsJson } from './exposition.ts'
import { createHttpMetrics, type HttpRequestFinished } from './http-metrics.ts'
import { openLog } from './log.ts'
import { MetricRegistry } from './metric-registry.ts'
import { registerTargets, type TargetUp } from './provider-metrics.ts'
import { registerHealth, registerJournalState } from './state-metrics.ts'
import { registerProcess, registerSeriesCount, registerStreams, type StreamsState, tellOnce } from './telemetry.ts'

export interface WorkerTelemetry {
  /** For rare events such as start and stop; calls are told of by the process that reads the journal. */
  readonly logger: Logger
  /** For the calls a worker answers itself: /health, /metrics, /token-stats. */
  readonly metrics: { httpRequestFinished(request: HttpRequestFinished): void }
  /** To be sent to the process that is scraped, which merges it into its own metrics. */
  metricsJson(): Promise<MetricsJson>
  /** The log file was rotated. */
  reopen(): void
  close(deadlineMs?: number): Promise<void>
}

/** Telemetry of a gateway worker: itself, its journal and its streams; no work per call. */
export function createWorkerTelemetry(options: {
  readonly config: TelemetrySettings
  readonly clock: Clock
  readonly stdout: Writable
  readonly isTty: boolean
  readonly version: string
  readonly commit?: string | undefined
  readonly sources: {
    readonly journal: () => JournalState
    readonly streams?: (() => StreamsState) | undefined
    readonly targets?: (() => readonly TargetUp[]) | undefined
  }
}): WorkerTelemetry {
  const { journal, streams, targets } = options.sources
  const failures = tellOnce()
  const registry = new MetricRegistry({
    onCollectError: (error) => failures.tell('metrics_source_failed', 'a source of metrics failed', error),
  })
  const log = openLog({ ...options, registry })
  failures.to(log.logger)
  const stopProcess = registerProcess(registry, options, 'gateway')
  registerJournalState(registry, journal)
  if (targets !== undefined) registerTargets(registry, targets)
  if (streams !== undefined) registerStreams(registry, streams)
  registerHealth(registry, { log: log.isHealthy, journal: () => journal().healthy })
  registerSeriesCount(registry)
  const http = createHttpMetrics(registry)
  return {
    logger: log.logger,
    metrics: { httpRequestFinished: http.finished },
    metricsJson: () => metricsJson(registry),
    reopen: log.reopen,
    async close(deadlineMs) {
      stopProcess()
      await log.close(deadlineMs)
    },
  }
}

/** Metrics and log lines: what Signalbox says about itself, made from the same record as the ledger. */
export { type TelemetryConfig, telemetryConfig } from './config.ts'
export { type MetricsJson, metricsContentType } from './exposition.ts'
export type { HttpRequestFinished } from './http-metrics.ts'
export { metricCatalogue, metricNames } from './metric-catalogue.ts'
export { renderMetricsDoc } from './metrics-doc.ts'
export { wantsExposition } from './negotiate.ts'
export type { TargetUp } from './provider-metrics.ts'
export { installReopenSignals } from './reopen-signals.ts'
export {
  createTelemetry,
  type StreamsState,
  type Telemetry,
  type TelemetryOptions,
  type TelemetrySources,
} from './telemetry.ts'
export { createWorkerTelemetry, type WorkerTelemetry } from './worker-telemetry.ts'
export { WorkerTotals } from './worker-totals.ts'

import type { Writable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { ExchangeObserver } from '../core/exchange.ts'
import type { Logger } from '../core/logger.ts'
import type { ProviderCheck } from '../core/provider-health.ts'
import type {
  BackupState,
  DatabaseState,
  JournalState,
  LedgerFlushed,
  QueryFinished,
  RecorderState,
  RetentionState,
  SettingsState,
} from '../core/signals.ts'
import type { ProcessName } from './catalogue/row.ts'
import type { TelemetrySettings } from './config.ts'
import { createExchangeObserver } from './exchange-observer.ts'
import { type MetricsJson, renderExposition } from './exposition.ts'
import { type Log, openLog } from './log.ts'
import { createMetricLabels } from './metric-labels.ts'
import { MetricRegistry } from './metric-registry.ts'
import { createMetricsObserver, type MetricsObserver } from './metrics-observer.ts'
import { OpenExchanges } from './open-exchanges.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { registerProviderChecks, registerTargets, type TargetUp } from './provider-metrics.ts'
import { createQuotaMetrics } from './quota-metrics.ts'
import { registerSettingsState } from './settings-metrics.ts'
import {
  createQueryMetrics,
  isRecorderHealthy,
  registerBackupState,
  registerDatabaseState,
  registerHealth,
  registerJournalState,
  registerOpenExchanges,
  registerRecorderState,
  registerRetentionState,
} from './state-metrics.ts'

/** States that are asked for at each scrape. What a process does not have is left out, and so are its metrics. */
export interface TelemetrySources {
  readonly recorder?: (() => RecorderState) | undefined
  readonly database?: (() => DatabaseState) | undefined
  readonly sseConnections?: (() => number) | undefined
  /** Where backups are made by themselves. */
  readonly backup?: (() => BackupState) | undefined
  readonly retention?: (() => RetentionState) | undefined
  readonly settings?: (() => SettingsState) | undefined
  /** Where the gateway runs in this process too. */
  readonly journal?: (() => JournalState) | undefined
  readonly streams?: (() => StreamsState) | undefined
  readonly targets?: (() => readonly TargetUp[]) | undefined
  readonly providerChecks?: (() => readonly ProviderCheck[]) | undefined
}

/** The streams a gateway process holds open, by its own count. */
export interface StreamsState {
  readonly open: number
  /** Longest time any of them has had no bytes; 0 when none is open. */
  readonly oldestIdleSeconds: number
}

export interface TelemetryOptions {
  readonly config: TelemetrySettings
  readonly clock: Clock
  readonly stdout: Writable
  readonly isTty: boolean
  readonly version: string
  readonly commit?: string | undefined
  readonly processName?: ProcessName
  /** Models that have a price or stand in the configuration. Names sent by callers are labels only if it says so. */
  readonly isKnownModel: (model: string) => boolean
  /** Configured providers; their series exist before their first call. */
  readonly providers?: readonly string[]
  readonly slowQueryThresholdMs?: number
  readonly sources: TelemetrySources
}

export interface Telemetry {
  readonly logger: Logger
  readonly observer: ExchangeObserver
  readonly metrics: Pick<MetricsObserver, 'httpRequestFinished'>
  /** The whole exposition, with what the gateway workers sent. */
  metricsText(form: { readonly redacted: boolean }, workers?: readonly MetricsJson[]): Promise<string>
  /** Counts a statement; the store itself logs it where it was slow, in every process alike. */
  queryFinished(query: QueryFinished): void
  /** A statement got its connection after so many milliseconds. */
  connectionWaited(ms: number): void
  ledgerFlushed(flush: LedgerFlushed): void
  /** The log file was rotated. */
  reopen(): void
  /** Flushes the log, for at most `deadlineMs` milliseconds, and stops watching the process. */
  close(deadlineMs?: number): Promise<void>
}

/** Metrics, log lines and logger of the process that reads the journal. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { config, sources, slowQueryThresholdMs = 5000 } = options
  const failures = tellOnce()
  const registry = new MetricRegistry({
    onCollectError: (error) => failures.tell('metrics_source_failed', 'a source of metrics failed', error),
  })
  const log = openLog({ ...options, registry })
  failures.to(log.logger)
  const labels = createMetricLabels(registry, config, options.isKnownModel)
  const metrics = createMetricsObserver(registry, labels, options.providers)
  const open = new OpenExchanges()
  const lost = registry.counter('signalbox_observer_errors_total').child({})
  const stopProcess = registerProcess(registry, options, options.processName ?? 'office')
  registerOpenExchanges(registry, labels, open)
  registerSources(registry, labels, log, sources)
  const quota = createQuotaMetrics(registry, options.clock)
  const flushes = registry.histogram('signalbox_ledger_flush_seconds').child({})
  const waits = registry.histogram('signalbox_db_pool_wait_seconds').child({})
  const countQuery = createQueryMetrics(registry, labels, slowQueryThresholdMs)
  registerSeriesCount(registry)
  log.logger.info('telemetry_started', 'log opened', { version: options.version, log_level: config.logLevel })

  return {
    logger: log.logger,
    observer: createExchangeObserver({
      open,
      metrics: {
        exchangeClosed(exchange) {
          metrics.exchangeClosed(exchange)
          quota(exchange)
        },
      },
      log: log.output,
      localTime: log.localTime,
      onError(error) {
        lost.add(1)
        failures.tell('observer_failed', 'an exchange could not be shown', error)
      },
    }),
    metrics,
    metricsText: (form, workers) => renderExposition(registry, form, workers),
    queryFinished: countQuery,
    connectionWaited: (ms) => waits.observe(ms / 1_000),
    ledgerFlushed: ({ ms }) => flushes.observe(ms / 1_000),
    reopen: log.reopen,
    async close(deadlineMs) {
      stopProcess()
      await log.close(deadlineMs)
    },
  }
}

function registerSources(
  registry: MetricRegistry,
  labels: ReturnType<typeof createMetricLabels>,
  log: Log,
  sources: TelemetrySources,
): void {
  const { recorder, database, sseConnections, journal, streams, backup, retention, settings } = sources
  if (sources.targets !== undefined) registerTargets(registry, sources.targets)
  if (sources.providerChecks !== undefined) registerProviderChecks(registry, sources.providerChecks)
  if (recorder !== undefined) registerRecorderState(registry, labels, recorder)
  if (database !== undefined) registerDatabaseState(registry, database)
  if (journal !== undefined) registerJournalState(registry, journal)
  if (streams !== undefined) registerStreams(registry, streams)
  if (backup !== undefined) registerBackupState(registry, backup)
  if (retention !== undefined) registerRetentionState(registry, retention)
  if (settings !== undefined) registerSettingsState(registry, settings)
  if (sseConnections !== undefined) {
    const gauge = registry.gauge('signalbox_sse_connections').child({})
    registry.onScrape(() => gauge.set(sseConnections()))
  }
  registerHealth(registry, {
    log: log.isHealthy,
    ...(recorder !== undefined && { recorder: () => isRecorderHealthy(recorder()) }),
    ...(database !== undefined && { database: () => database().up }),
    ...(journal !== undefined && { journal: () => journal().healthy }),
  })
}

/** What every process shows of itself. Returns how to stop watching. */
export function registerProcess(
  registry: MetricRegistry,
  { clock, version, commit }: Pick<TelemetryOptions, 'clock' | 'version' | 'commit'>,
  name: ProcessName,
): () => void {
  registry
    .gauge('signalbox_build_info')
    .child({ version, commit: commit ?? 'unknown' })
    .set(1)
  return registerProcessMetrics(registry, name, clock)
}

/** Last of all, because the hooks before it may make series. */
export function registerSeriesCount(registry: MetricRegistry): void {
  const series = registry.gauge('signalbox_metric_series').child({})
  const refused = registry.counter('signalbox_label_overflow_total').child({ label: 'series' })
  registry.onScrape(() => {
    refused.follow(registry.refusedSeries)
    series.set(registry.seriesCount)
  })
}

export function registerStreams(registry: MetricRegistry, streams: () => StreamsState): void {
  const open = registry.gauge('signalbox_gateway_streams').child({})
  const idle = registry.gauge('signalbox_stream_oldest_idle_seconds').child({})
  registry.onScrape(() => {
    const state = streams()
    open.set(state.open)
    idle.set(state.oldestIdleSeconds)
  })
}

/** A failure that repeats with every exchange or scrape is said once; the metrics count the rest. */
export function tellOnce(): { tell(event: string, message: string, error: unknown): void; to(logger: Logger): void } {
  const told = new Set<string>()
  let logger: Logger | undefined
  return {
    to(given) {
      logger = given
    },
    tell(event, message, error) {
      if (told.has(event) || logger === undefined) return
      told.add(event)
      logger.error(event, message, { reason: error instanceof Error ? error.message : String(error) })
    },
  }
}

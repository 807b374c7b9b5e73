import type {
  BackupState,
  DatabaseState,
  JournalState,
  QueryFinished,
  RecorderState,
  RetentionState,
} from '../core/signals.ts'
import { components, endpoints } from './catalogue/row.ts'
import type { MetricLabels } from './metric-labels.ts'
import type { MetricRegistry } from './metric-registry.ts'
import type { OpenExchanges } from './open-exchanges.ts'

// A ledger that is this far behind has lost its database or can not keep up; a batch takes far less.
const unhealthyLagSeconds = 30

export type Component = (typeof components)[number]

/** `signalbox_healthy` of the parts a process has. Asked at each scrape. */
export function registerHealth(
  registry: MetricRegistry,
  healthy: Readonly<Partial<Record<Component, () => boolean>>>,
): void {
  const gauge = registry.gauge('signalbox_healthy')
  for (const component of components) {
    const ask = healthy[component]
    if (ask === undefined) continue
    const child = gauge.child({ component })
    registry.onScrape(() => child.set(ask() ? 1 : 0))
  }
}

/** Whether it is close behind the journals. */
export function isRecorderHealthy(state: RecorderState): boolean {
  return state.lagSeconds < unhealthyLagSeconds
}

/** Asked at each scrape, like the states below. */
export function registerJournalState(registry: MetricRegistry, journal: () => JournalState): void {
  const backlog = registry.gauge('signalbox_journal_backlog_bytes').child({})
  const written = registry.counter('signalbox_journal_written_bytes_total').child({})
  const errors = registry.counter('signalbox_journal_errors_total').child({})
  const exposed = registry.gauge('signalbox_journal_exposed_max_seconds').child({})
  registry.onScrape(() => {
    const state = journal()
    backlog.set(state.backlogBytes)
    written.follow(state.writtenBytes)
    errors.follow(state.errorsTotal)
    exposed.set((state.longestExposureMs ?? 0) / 1_000)
  })
}

export function registerRecorderState(
  registry: MetricRegistry,
  labels: MetricLabels,
  recorder: () => RecorderState,
): void {
  const rows = registry.gauge('signalbox_ledger_queue_rows').child({})
  const bytes = registry.gauge('signalbox_ledger_queue_bytes').child({})
  const lag = registry.gauge('signalbox_ledger_lag_seconds').child({})
  const journal = registry.gauge('signalbox_ledger_wal_bytes').child({})
  const written = registry.counter('signalbox_ledger_written_total').child({})
  const errors = registry.counter('signalbox_ledger_write_errors_total').child({})
  const dropped = registry.counter('signalbox_ledger_dropped_total')
  registry.onScrape(() => {
    const state = recorder()
    rows.set(state.queueRows)
    bytes.set(state.queueBytes)
    lag.set(state.lagSeconds)
    journal.set(state.journalBytes)
    written.follow(state.writtenTotal)
    errors.follow(state.writeErrorsTotal)
    for (const [reason, total] of Object.entries(state.droppedTotal))
      dropped.child({ reason: labels.reason(reason) }).follow(total)
  })
}

export function registerDatabaseState(registry: MetricRegistry, database: () => DatabaseState): void {
  const up = registry.gauge('signalbox_db_up').child({})
  const max = registry.gauge('signalbox_db_pool_max').child({})
  const pool = registry.gauge('signalbox_db_pool_connections')
  const size = registry.gauge('signalbox_db_size_bytes')
  const states = (['used', 'idle', 'waiting'] as const).map((state) => ({ state, child: pool.child({ state }) }))
  registry.onScrape(() => {
    const now = database()
    up.set(now.up ? 1 : 0)
    max.set(now.pool.max)
    if (typeof now.sizeBytes === 'number') size.child({}).set(now.sizeBytes)
    for (const { state, child } of states) child.set(now.pool[state])
  })
}

export function registerBackupState(registry: MetricRegistry, backup: () => BackupState): void {
  const success = registry.gauge('signalbox_backup_last_success_timestamp_seconds').child({})
  const duration = registry.gauge('signalbox_backup_last_duration_seconds').child({})
  const size = registry.gauge('signalbox_backup_last_size_bytes').child({})
  const runs = registry.counter('signalbox_backup_runs_total')
  registry.onScrape(() => {
    const { lastSuccessAt, lastDurationMs, lastBytes, okTotal, failedTotal } = backup()
    success.set((lastSuccessAt ?? 0) / 1_000)
    duration.set((lastDurationMs ?? 0) / 1_000)
    size.set(lastBytes ?? 0)
    runs.child({ result: 'ok' }).follow(okTotal)
    runs.child({ result: 'failed' }).follow(failedTotal)
  })
}

export function registerRetentionState(registry: MetricRegistry, retention: () => RetentionState): void {
  const success = registry.gauge('signalbox_retention_last_success_timestamp_seconds').child({})
  const runs = registry.counter('signalbox_retention_runs_total')
  const freed = registry.counter('signalbox_retention_freed_bytes_total').child({})
  const ahead = registry.gauge('signalbox_partition_days_ahead')
  registry.onScrape(() => {
    const { lastSuccessAt, okTotal, failedTotal, bytesFreedTotal, partitionDaysAhead } = retention()
    // No series before it is known: 0 would mean that there is none.
    if (partitionDaysAhead !== null) ahead.child({}).set(partitionDaysAhead)
    success.set((lastSuccessAt ?? 0) / 1_000)
    runs.child({ result: 'ok' }).follow(okTotal)
    runs.child({ result: 'failed' }).follow(failedTotal)
    freed.follow(bytesFreedTotal)
  })
}

/** Counts SQL statements by the name of the question they answer. */
export function createQueryMetrics(
  registry: MetricRegistry,
  labels: MetricLabels,
  slowMs: number,
): (query: QueryFinished) => void {
  const durations = registry.histogram('signalbox_db_query_seconds')
  const failures = registry.counter('signalbox_db_query_errors_total')
  const slow = registry.counter('signalbox_db_slow_queries_total')
  return ({ name, ms, failed }) => {
    const query = labels.query(name)
    durations.child({ query }).observe(ms / 1000)
    // Also when it is neither: the series have to be there at 0 before the first failure.
    failures.child({ query }).add(failed ? 1 : 0)
    slow.child({ query }).add(ms > slowMs ? 1 : 0)
  }
}

/** The gauges of what is open, counted when asked. */
export function registerOpenExchanges(registry: MetricRegistry, labels: MetricLabels, open: OpenExchanges): void {
  const inFlight = registry.gauge('signalbox_in_flight_requests')
  const streams = registry.gauge('signalbox_open_streams')
  for (const endpoint of endpoints) inFlight.child({ endpoint })
  streams.child({ provider: 'none' })
  registry.onScrape(() => {
    const byEndpoint = new Map(endpoints.map((endpoint) => [endpoint, 0]))
    const byProvider = new Map(['none', ...labels.providers()].map((provider) => [provider, 0]))
    for (const { endpoint, provider, streaming } of open.values()) {
      byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + 1)
      if (!streaming) continue
      const label = labels.provider(provider)
      byProvider.set(label, (byProvider.get(label) ?? 0) + 1)
    }
    for (const [endpoint, count] of byEndpoint) inFlight.child({ endpoint }).set(count)
    for (const [provider, count] of byProvider) streams.child({ provider }).set(count)
  })
}

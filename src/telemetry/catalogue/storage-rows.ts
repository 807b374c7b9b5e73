/** Metrics of the way from the journal to the database. */
import { counter, gauge, histogram } from './row.ts'

const querySeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]
const waitSeconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

export const storageRows = {
  signalbox_journal_backlog_bytes: gauge('Bytes not yet written to the journal.', 'bytes', 'journal state', 'sum'),
  signalbox_journal_written_bytes_total: counter('Bytes written to the journal.', 'bytes', 'journal state'),
  signalbox_journal_errors_total: counter('Failed writes to the journal.', 'count', 'journal state'),
  signalbox_journal_exposed_max_seconds: gauge(
    'Longest time so far that a written record waited for the disk to keep it: what a power cut could have cost.',
    'seconds',
    'journal state',
    'max',
  ),

  signalbox_ledger_queue_rows: gauge(
    'Records read from the journal and not yet in the ledger.',
    'count',
    'recorder state',
    'sum',
  ),
  signalbox_ledger_queue_bytes: gauge('Size of those records.', 'bytes', 'recorder state', 'sum'),
  signalbox_ledger_lag_seconds: gauge(
    'Age of the oldest record that is not in the ledger.',
    'seconds',
    'recorder state',
    'max',
  ),
  signalbox_ledger_wal_bytes: gauge('Bytes of journal segments on disk.', 'bytes', 'recorder state', 'sum'),
  signalbox_ledger_written_total: counter('Records written to the ledger.', 'count', 'recorder state'),
  signalbox_ledger_write_errors_total: counter(
    'Failed writes to the ledger; they are tried again.',
    'count',
    'recorder state',
  ),
  signalbox_ledger_flush_seconds: histogram(
    'Time to write one batch of records, failed tries included.',
    'seconds',
    'ledger writes',
    querySeconds,
  ),
  signalbox_ledger_dropped_total: counter(
    'Records set aside or lost (docs/runbooks/set-aside.md).',
    'count',
    'recorder state',
    {
      labels: { reason: 'reason' },
    },
  ),

  signalbox_db_up: gauge('1 while the database answers.', 'boolean', 'database state', 'min'),
  signalbox_db_pool_connections: gauge(
    'Connections of the pool; `waiting` counts callers in line.',
    'count',
    'database state',
    'sum',
    {
      labels: { state: ['used', 'idle', 'waiting'] },
    },
  ),
  signalbox_db_pool_max: gauge('Most connections the pool may hold.', 'count', 'database state', 'sum'),
  signalbox_db_pool_wait_seconds: histogram(
    'Time that statements waited for a connection of the pool.',
    'seconds',
    'SQL statement',
    waitSeconds,
  ),
  signalbox_db_size_bytes: gauge(
    'Size of the ledger’s database; no series before it was asked for.',
    'bytes',
    'database state',
    'max',
    { late: true },
  ),
  signalbox_db_query_seconds: histogram(
    'Time of SQL statements, by the name of the question.',
    'seconds',
    'SQL statement',
    querySeconds,
    {
      labels: { query: 'query' },
    },
  ),
  signalbox_db_query_errors_total: counter('Failed SQL statements.', 'count', 'SQL statement', {
    labels: { query: 'query' },
  }),
  signalbox_db_slow_queries_total: counter(
    'SQL statements slower than SLOW_QUERY_THRESHOLD_MS.',
    'count',
    'SQL statement',
    {
      labels: { query: 'query' },
    },
  ),

  signalbox_backup_last_success_timestamp_seconds: gauge(
    'End of the last good scheduled backup, of any instance on this database; 0 before the first. Absent without BACKUP_DIR.',
    'timestamp',
    'scheduled backups',
    'max',
  ),
  signalbox_backup_last_duration_seconds: gauge('How long it took.', 'seconds', 'scheduled backups', 'max'),
  signalbox_backup_last_size_bytes: gauge('Size of its file.', 'bytes', 'scheduled backups', 'max'),
  signalbox_backup_runs_total: counter('Scheduled backups of this process.', 'count', 'scheduled backups', {
    labels: { result: ['ok', 'failed'] },
  }),

  signalbox_retention_last_success_timestamp_seconds: gauge(
    'End of the last run that dropped what was too old, of any instance on this database; 0 before the first.',
    'timestamp',
    'retention',
    'max',
  ),
  signalbox_retention_runs_total: counter('Runs of retention in this process.', 'count', 'retention', {
    labels: { result: ['ok', 'failed'] },
  }),
  signalbox_partition_days_ahead: gauge(
    'Days from now on for which the ledger has partitions; rows of later days wait in a default partition.',
    'count',
    'retention',
    'min',
    { late: true },
  ),
  signalbox_retention_freed_bytes_total: counter('Size of the partitions that they dropped.', 'bytes', 'retention'),
}

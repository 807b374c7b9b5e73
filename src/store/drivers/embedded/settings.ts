/** Settings by name, as PostgreSQL spells them. */
export type PostgresSettings = Readonly<Record<string, string | number | boolean>>

/**
 * Made for a small machine that also runs the gateway: durable before fast, little memory, quiet log. They stand in
 * `signalbox.conf` beside `postgresql.conf`; `ALTER SYSTEM` overrules them.
 */
export const defaultSettings: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 100,
  password_encryption: 'scram-sha-256',
  // A row that was acknowledged survives a power cut: the journal segment is released on that promise.
  fsync: true,
  synchronous_commit: true,
  full_page_writes: true,
  shared_buffers: '128MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  effective_cache_size: '1GB',
  random_page_cost: 1.1,
  wal_compression: true,
  max_wal_size: '1GB',
  checkpoint_completion_target: 0.9,
  // Rollup rows are updated by every batch: clean them early, they are few.
  autovacuum_naptime: '20s',
  // Queries here are short; compiling them costs more than it saves.
  jit: false,
  timezone: 'UTC',
  log_timezone: 'UTC',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.max': 1000,
  track_io_timing: true,
  idle_in_transaction_session_timeout: '60s',
  // Statement texts and failing rows could carry what must not be logged; our own log names the query.
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: false,
  log_line_prefix: '%m [%p] ',
}

/** The text of `signalbox.conf`. */
export function renderSettings(settings: PostgresSettings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${literal(value)}`)
  return `# Written by Signalbox at every start. Use ALTER SYSTEM to overrule a setting.\n${lines.join('\n')}\n`
}

function literal(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
}

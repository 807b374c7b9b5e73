/** What a busy database tells of itself, for tests of the API and the page without one. */
import type { Database } from '../../src/contract/database.ts'
import type { DatabaseReport } from '../../src/store/index.ts'

type Parts = Awaited<ReturnType<DatabaseReport['read']>>

export interface FakeDatabase extends DatabaseReport {
  kind: DatabaseReport['kind']
  parts: Parts
  /** Every look fails with this until it is null again. */
  failure: Error | null
  looks: number
}

export function createFakeDatabase(now: number): FakeDatabase {
  const fake: FakeDatabase = {
    kind: 'embedded',
    parts: healthyParts(now),
    failure: null,
    looks: 0,
    poolWaitP95Ms: () => 0.4,
    async read() {
      fake.looks += 1
      if (fake.failure !== null) throw fake.failure
      return fake.parts
    },
  }
  return fake
}

/** The same database on a bad day, read by a role without rights: every warning and every gap at once. */
export function troubled(fake: FakeDatabase): void {
  const { parts } = fake
  const { connections, activity, tables, partitions, job_history: history } = parts
  fake.kind = 'server'
  fake.parts = {
    ...parts,
    gaps: [
      {
        part: 'activity',
        reason: 'The role signalbox sees its own sessions only, not those of others.',
        fix: 'GRANT pg_monitor TO signalbox;',
      },
      {
        part: 'statements',
        reason: 'The extension pg_stat_statements is not made in this database.',
        fix: 'CREATE EXTENSION pg_stat_statements;',
      },
    ],
    statements: null,
    size: parts.size && { ...parts.size, disk: null, days_to_full: null },
    connections: connections && { ...connections, used: 94, others: 87 },
    activity: activity && {
      ...activity,
      longest_statement_seconds: 412,
      longest_transaction_seconds: 412,
      blocked: [
        { pid: 5120, blocked_by: [4711], seconds: 44, lock: 'relation', query: 'ALTER TABLE client_keys ADD COLUMN …' },
      ],
    },
    tables:
      tables?.map((one) => (one.name === 'rollup_minute' ? { ...one, dead_ratio: 0.41, dead_rows: 280_000 } : one)) ??
      null,
    partitions: partitions && { ...partitions, ahead_days: 1.4, default_rows: 210 },
    replication: {
      replay_lag_seconds: null,
      replicas: [{ name: 'standby-1', state: 'streaming', sync: 'async', lag_seconds: 95, lag_bytes: 80e6 }],
      slots: [{ name: 'old_reader', active: false, retained_bytes: 21e9 }],
    },
    jobs: [
      {
        ...runOf('retention', new Date(Date.now() - 3_600_000).toISOString(), 2, {}),
        outcome: 'failed',
        error: 'canceling statement due to lock timeout',
        last_success_at: null,
      },
    ],
    job_history: [
      {
        ...runOf('retention', new Date(Date.now() - 3_600_000).toISOString(), 2, {}),
        outcome: 'failed',
        error: 'canceling statement due to lock timeout',
      },
      ...(history ?? []),
    ],
    last_backup_at: null,
  }
}

export const quietSelf = {
  recorder: {
    queueRows: 3,
    queueBytes: 5_200,
    lagSeconds: 0.4,
    journalBytes: 1_900_000,
    writtenTotal: 184_023,
    writeErrorsTotal: 0,
    droppedTotal: {},
    openExchanges: 5,
  },
  database: { up: true, pool: { used: 1, idle: 4, waiting: 0, max: 10 } },
  process: {
    uptime_seconds: 93_600,
    memory_bytes: 148_000_000,
    heap_bytes: 61_000_000,
    cpu: 0.07,
    event_loop_lag_p99_ms: 4.2,
    dashboard_clients: 3,
    open_exchanges: 5,
    journal_disk: { free_bytes: 61e9, total_bytes: 120e9 },
  },
} as const satisfies { recorder: unknown; database: unknown; process: Database['process'] }

const dayMs = 86_400_000

function healthyParts(now: number): Parts {
  const ago = (ms: number): string => new Date(now - ms).toISOString()
  return {
    gaps: [],
    server: {
      version: '18.4',
      version_number: 180_004,
      database: 'signalbox',
      role: 'signalbox',
      started_at: ago(26 * 3_600_000),
      is_replica: false,
      stats_since: null,
    },
    connections: {
      max: 100,
      reserved: 3,
      used: 8,
      ours: [
        { purpose: 'writer', connections: 3 },
        { purpose: 'reader', connections: 3 },
        { purpose: 'listener', connections: 1 },
      ],
      others: 1,
      by_state: [
        { state: 'idle', connections: 6 },
        { state: 'active', connections: 2 },
      ],
    },
    activity: {
      longest_statement_seconds: 0.3,
      longest_transaction_seconds: 0.3,
      idle_in_transaction: 0,
      longest_idle_in_transaction_seconds: null,
      running: [
        {
          pid: 4711,
          application: 'signalbox writer',
          role: 'signalbox',
          state: 'active',
          statement_seconds: 0.3,
          transaction_seconds: 0.3,
          waits_for: 'IO: WALSync',
          query: 'WITH batch AS ( SELECT * FROM unnest($1::uuid[], …',
        },
      ],
      blocked: [],
    },
    traffic: {
      commits: 912_044,
      rollbacks: 31,
      rollback_ratio: 31 / 912_075,
      commits_per_second: 14.2,
      blocks_hit: 88_120_400,
      blocks_read: 12_700,
      cache_hit_ratio: 0.99986,
      deadlocks: 0,
      conflicts: 0,
      temp_files: 4,
      temp_bytes: 18_000_000,
      checksum_failures: 0,
      stats_since: null,
    },
    wal: {
      bytes: 4.1e9,
      bytes_per_second: 46_000,
      full_page_images: 90_100,
      wal_since: ago(40 * dayMs),
      checkpoints_timed: 311,
      checkpoints_requested: 2,
      checkpoint_write_ms: 8_104_000,
      checkpoint_sync_ms: 4_200,
      checkpoint_buffers: 612_000,
      checkpoints_since: ago(40 * dayMs),
    },
    io: { reads: 12_700, writes: 640_000, fsyncs: 9_100, evictions: 210, read_ms: 900, write_ms: 30_100 },
    replication: { replay_lag_seconds: null, replicas: [], slots: [] },
    transaction_ids: { age: 41_000_000, limit: 2_144_483_648, ratio: 41_000_000 / 2_144_483_648 },
    size: {
      database_bytes: 1.64e9,
      growth_bytes_per_day: 38e6,
      rows_per_day: 61_000,
      bytes_per_row: 610,
      disk: { free_bytes: 61e9, total_bytes: 120e9 },
      days_to_full: 61e9 / 38e6,
    },
    tables: [
      tableOf('api_requests', 1.21e9, 1_984_000, 37e6, { partitions: 6 }, ago(3_600_000)),
      tableOf('rollup_minute', 260e6, 402_000, 0.7e6, { dead_rows: 21_000, dead_ratio: 0.05 }, ago(64_000)),
      tableOf('latency_minute', 120e6, 950_000, 0.3e6, { dead_rows: 8_000, dead_ratio: 0.008 }, ago(64_000)),
      tableOf('rollup_hour', 21e6, 31_000, 0.05e6, {}, ago(600_000)),
      tableOf('rate_limit_samples', 9e6, 44_000, null, {}, ago(dayMs)),
      tableOf('client_keys', 65_536, 12, null, {}, null),
    ],
    indexes: [
      { name: 'api_requests_pkey', table: 'api_requests', bytes: 110e6, scans: 184_023 },
      { name: 'api_requests_domain', table: 'api_requests', bytes: 61e6, scans: 4_120 },
      { name: 'api_requests_session', table: 'api_requests', bytes: 58e6, scans: 0 },
    ],
    partitions: {
      ahead_days: 97.4,
      default_rows: 0,
      calendar: calendarOf(now),
      truncated: false,
    },
    statements: {
      since: ago(26 * 3_600_000),
      slowest: [
        statementOf(
          'stats-latency',
          210,
          41.2,
          300.1,
          'SELECT kind, percentile_slots(…) FROM latency_minute WHERE bucket >= $1',
        ),
        statementOf(
          'write-exchanges',
          184_023,
          5.1,
          812.4,
          `WITH batch AS (SELECT * FROM unnest(${Array.from({ length: 30 }, (_, at) => `$${at + 1}::text[]`).join(', ')})) INSERT INTO api_requests …`,
        ),
        statementOf(null, 12, 3.3, 8.1, 'SELECT count(*) FROM api_requests WHERE created_at > ?'),
      ],
    },
    rollups: { newest_row_at: ago(900), newest_bucket_at: ago(30_000), lag_seconds: 0 },
    jobs: [
      {
        ...runOf('backup', ago(7 * 3_600_000), 41, { bytes: 310_000_000 }),
        last_success_at: ago(7 * 3_600_000 - 41_000),
      },
      {
        ...runOf('retention', ago(2 * 3_600_000), 0.3, { partitions_dropped: 1 }),
        last_success_at: ago(2 * 3_600_000),
      },
    ],
    job_history: [
      runOf('retention', ago(2 * 3_600_000), 0.3, { partitions_dropped: 1 }),
      runOf('backup', ago(7 * 3_600_000), 41, { bytes: 310_000_000 }),
      runOf('backup', ago(31 * 3_600_000), 40, { bytes: 301_000_000 }),
    ],
    last_backup_at: ago(7 * 3_600_000 - 41_000),
    migrations: [
      { name: '0001-ledger', applied_at: ago(40 * dayMs) },
      { name: '0002-jobs', applied_at: ago(40 * dayMs) },
    ],
  }
}

type Table = NonNullable<Parts['tables']>[number]

function tableOf(
  name: string,
  bytes: number,
  rows: number,
  growth: number | null,
  rest: Partial<Table>,
  cleaned: string | null,
): Table {
  return {
    name,
    partitions: 0,
    total_bytes: bytes,
    table_bytes: bytes * 0.7,
    index_bytes: bytes * 0.3,
    toast_bytes: 8192,
    rows,
    dead_rows: 0,
    dead_ratio: 0,
    growth_bytes_per_day: growth,
    last_vacuum: null,
    last_autovacuum: cleaned,
    last_analyze: cleaned,
    ...rest,
  }
}

function calendarOf(now: number): NonNullable<Parts['partitions']>['calendar'] {
  const month = (offset: number): Date => {
    const date = new Date(now)
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1))
  }
  const months = [-2, -1, 0, 1, 2, 3].map((offset) => ({
    name: `api_requests_${month(offset).toISOString().slice(0, 7).replace('-', '_')}`,
    table: 'api_requests',
    from: month(offset).toISOString(),
    to: month(offset + 1).toISOString(),
    state: offset < 0 ? ('past' as const) : offset === 0 ? ('current' as const) : ('ahead' as const),
    rows: offset > 0 ? 0 : 700_000 + offset * 40_000,
    bytes: offset > 0 ? 24_576 : 430e6 + offset * 20e6,
    dropped_at: new Date(month(offset + 1).getTime() + 90 * dayMs).toISOString(),
  }))
  const rest = { name: 'api_requests_default', table: 'api_requests', from: null, to: null, dropped_at: null }
  return [...months, { ...rest, state: 'default' as const, rows: 0, bytes: 24_576 }]
}

function statementOf(name: string | null, calls: number, mean: number, max: number, query: string) {
  return { name, query, calls, rows: calls * 3, mean_ms: mean, max_ms: max, total_ms: mean * calls, share: 0.3 }
}

function runOf(name: string, startedAt: string, seconds: number, counts: Record<string, number>) {
  const finished = new Date(Date.parse(startedAt) + seconds * 1000).toISOString()
  return {
    name,
    outcome: 'ok',
    instance: 'build-7:4012',
    started_at: startedAt,
    finished_at: finished,
    seconds,
    counts,
    error: null,
  }
}

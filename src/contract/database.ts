import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { isoTime } from './scalars.ts'

const time = isoTime.nullable()
/** A figure that this server, version or role does not give. */
const figure = z.number().nullable()

/** Something that needs a person. `code` is stable, `text` is for reading. */
export const databaseFinding = z.object({
  level: z.enum(['warn', 'critical']),
  code: z.string(),
  text: z.string(),
})

/** A part of the answer that is missing or incomplete, why, and the statement that mends it (null: no statement can). */
export const databaseGap = z.object({ part: z.string(), reason: z.string(), fix: z.string().nullable() })

const server = z.object({
  version: z.string(),
  version_number: z.number(),
  database: z.string(),
  /** The role that Signalbox signs in with. */
  role: z.string(),
  started_at: time,
  is_replica: z.boolean(),
  /** Figures of the whole server since then; null: since it was made. */
  stats_since: time,
})

const connections = z.object({
  max: z.number(),
  /** Kept back for superusers. */
  reserved: z.number(),
  /** Client connections to the whole server. */
  used: z.number(),
  /** Of these, Signalbox's (all its processes), by what they are for: `writer`, `reader`, `listener`, …. */
  ours: z.array(z.object({ purpose: z.string(), connections: z.number() })),
  others: z.number(),
  by_state: z.array(z.object({ state: z.string(), connections: z.number() })),
})

const runningStatement = z.object({
  pid: z.number(),
  application: z.string(),
  role: z.string().nullable(),
  state: z.string().nullable(),
  statement_seconds: figure,
  transaction_seconds: figure,
  /** What it waits for, such as `Lock: relation`; null while it works. */
  waits_for: z.string().nullable(),
  /** Without literals, shortened; null where the role may not see it. */
  query: z.string().nullable(),
})

const activity = z.object({
  longest_statement_seconds: figure,
  longest_transaction_seconds: figure,
  idle_in_transaction: z.number(),
  longest_idle_in_transaction_seconds: figure,
  /** Longest first; at most 20. */
  running: z.array(runningStatement),
  /** Who waits for a lock, and for whom; at most 20. */
  blocked: z.array(
    z.object({
      pid: z.number(),
      blocked_by: z.array(z.number()),
      seconds: figure,
      lock: z.string().nullable(),
      query: z.string().nullable(),
    }),
  ),
})

const traffic = z.object({
  commits: z.number(),
  rollbacks: z.number(),
  /** Null without transactions. */
  rollback_ratio: figure,
  /** Between the last two looks; null at the first. */
  commits_per_second: figure,
  blocks_hit: z.number(),
  blocks_read: z.number(),
  /** Blocks found in memory over all blocks asked for; null without any. */
  cache_hit_ratio: figure,
  deadlocks: z.number(),
  conflicts: z.number(),
  temp_files: z.number(),
  temp_bytes: z.number(),
  /** Null where checksums are off. */
  checksum_failures: figure,
  stats_since: time,
})

const wal = z.object({
  bytes: figure,
  /** Between the last two looks; null at the first. */
  bytes_per_second: figure,
  full_page_images: figure,
  wal_since: time,
  checkpoints_timed: figure,
  /** Asked for, mostly because max_wal_size was reached. */
  checkpoints_requested: figure,
  checkpoint_write_ms: figure,
  checkpoint_sync_ms: figure,
  checkpoint_buffers: figure,
  checkpoints_since: time,
})

/** Reads and writes of the whole server by its own account (PostgreSQL 16 and newer). */
const io = z.object({
  reads: z.number(),
  writes: z.number(),
  fsyncs: z.number(),
  evictions: z.number(),
  /** Null unless `track_io_timing` is on. */
  read_ms: figure,
  write_ms: figure,
})

const replication = z.object({
  /** How far this replica is behind; null on a primary. */
  replay_lag_seconds: figure,
  replicas: z.array(
    z.object({
      name: z.string(),
      state: z.string().nullable(),
      sync: z.string().nullable(),
      lag_seconds: figure,
      lag_bytes: figure,
    }),
  ),
  /** Slots keep log files until somebody fetches them: an idle one fills the disk. */
  slots: z.array(z.object({ name: z.string(), active: z.boolean(), retained_bytes: figure })),
})

const table = z.object({
  /** A partitioned table stands for all its partitions. */
  name: z.string(),
  partitions: z.number(),
  total_bytes: z.number(),
  table_bytes: z.number(),
  index_bytes: z.number(),
  toast_bytes: z.number(),
  /** Estimates of the server. */
  rows: z.number(),
  dead_rows: z.number(),
  /** Dead rows over all rows; null where there are none. */
  dead_ratio: figure,
  /** Null where the table does not grow with traffic, or is too young to tell. */
  growth_bytes_per_day: figure,
  last_vacuum: time,
  last_autovacuum: time,
  last_analyze: time,
})

const index = z.object({ name: z.string(), table: z.string(), bytes: z.number(), scans: z.number() })

const partition = z.object({
  name: z.string(),
  table: z.string(),
  /** Null on the default partition. */
  from: time,
  to: time,
  state: z.enum(['past', 'current', 'ahead', 'default']),
  rows: z.number(),
  bytes: z.number(),
  /** When retention takes it; null where nothing does. */
  dropped_at: time,
})

const partitions = z.object({
  /** Days from now for which partitions are there without a gap. */
  ahead_days: z.number(),
  /** Rows in the default partition: of months that nobody made a partition for. */
  default_rows: z.number(),
  /** Oldest first; the newest 200. */
  calendar: z.array(partition),
  truncated: z.boolean(),
})

const statements = z.object({
  since: time,
  /** Largest mean first; at most 20. Statements of this database that ran at least twice or took a second. */
  slowest: z.array(
    z.object({
      /** The name under which Signalbox logs and counts it; null for those of others. */
      name: z.string().nullable(),
      query: z.string().nullable(),
      calls: z.number(),
      rows: z.number(),
      mean_ms: z.number(),
      max_ms: z.number(),
      total_ms: z.number(),
      /** Of the time of all statements. */
      share: figure,
    }),
  ),
})

const disk = z.object({ free_bytes: z.number(), total_bytes: z.number() })

const size = z.object({
  database_bytes: z.number(),
  /** What the ledger and its rollups grow by at the pace of the last days, before retention. */
  growth_bytes_per_day: figure,
  /** Rows a day at the pace of the last days. */
  rows_per_day: figure,
  bytes_per_row: figure,
  /** The disk of an embedded database; a server does not tell. */
  disk: disk.nullable(),
  days_to_full: figure,
})

const jobRun = z.object({
  name: z.string(),
  /** `running`, `ok`, `failed`, or `abandoned`: its process died. */
  outcome: z.string(),
  instance: z.string(),
  started_at: time,
  finished_at: time,
  seconds: figure,
  /** What it did, such as `{"partitions_dropped": 2}`. */
  counts: z.record(z.string(), z.number()),
  error: z.string().nullable(),
})

/** The recorder and the journal before it, as this process sees them. */
const recorder = z.object({
  queue_rows: z.number(),
  queue_bytes: z.number(),
  /** Age of the oldest record that is not in the ledger; 0 when there is none. */
  lag_seconds: z.number(),
  journal_bytes: z.number(),
  written_total: z.number(),
  write_errors_total: z.number(),
  dropped_total: z.record(z.string(), z.number()),
  open_exchanges: z.number(),
})

const processFacts = z.object({
  uptime_seconds: z.number(),
  memory_bytes: z.number(),
  heap_bytes: z.number(),
  /** CPU seconds a second since the last look; null at the first. */
  cpu: figure,
  /** Of the last minutes; null before there are samples. */
  event_loop_lag_p99_ms: figure,
  dashboard_clients: z.number(),
  open_exchanges: z.number(),
  journal_disk: disk.nullable(),
})

/**
 * How the ledger's database and what stands before it are. Every part may be null: what could not be had is named in
 * `gaps`, and the rest still comes. With the database away (`up` false) the process's own parts are all there is.
 */
export const database = defineEndpoint({
  method: 'GET',
  path: '/api/database',
  auth: 'key',
  summary: 'The health of the database, the recorder and the jobs, with what is missing and how to get it.',
  response: z.object({
    taken_at: isoTime,
    up: z.boolean(),
    kind: z.enum(['embedded', 'server']),
    verdict: z.enum(['ok', 'warn', 'critical']),
    /** Worst first. */
    findings: z.array(databaseFinding),
    gaps: z.array(databaseGap),
    pool: z.object({
      used: z.number(),
      idle: z.number(),
      waiting: z.number(),
      max: z.number(),
      /** How long statements waited for a connection lately. */
      wait_p95_ms: figure,
    }),
    recorder,
    process: processFacts,
    server: server.nullable(),
    connections: connections.nullable(),
    activity: activity.nullable(),
    traffic: traffic.nullable(),
    wal: wal.nullable(),
    io: io.nullable(),
    replication: replication.nullable(),
    /** Age of the oldest unfrozen transaction, and where the server stops to protect itself. */
    transaction_ids: z.object({ age: z.number(), limit: z.number(), ratio: z.number() }).nullable(),
    size: size.nullable(),
    /** Largest first. */
    tables: z.array(table).nullable(),
    indexes: z.array(index).nullable(),
    partitions: partitions.nullable(),
    statements: statements.nullable(),
    /** Rollups are written with the rows they sum up, so anything but 0 is a defect. */
    rollups: z.object({ newest_row_at: time, newest_bucket_at: time, lag_seconds: z.number() }).nullable(),
    /** The last run of each job. */
    jobs: z.array(jobRun.extend({ last_success_at: time })).nullable(),
    /** Newest first; at most 30. */
    job_history: z.array(jobRun).nullable(),
    last_backup_at: time,
    migrations: z.array(z.object({ name: z.string(), applied_at: time })).nullable(),
  }),
})

export type Database = z.infer<typeof database.response>
export type DatabaseFinding = z.infer<typeof databaseFinding>
export type DatabaseGap = z.infer<typeof databaseGap>

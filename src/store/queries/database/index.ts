/** The database about itself, in parts that fail one by one: what is missing is named, and the rest still comes. */
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../../core/clock.ts'
import type { Sql } from '../../sql.ts'
import { codeOf } from '../../store-error.ts'
import { activity } from './activity.ts'
import { connections } from './connections.ts'
import { type Pace, pace } from './growth.ts'
import { indexes } from './indexes.ts'
import { io } from './io.ts'
import { jobs } from './jobs.ts'
import { appliedMigrations } from './migrations.ts'
import { partitions } from './partitions.ts'
import { replication } from './replication.ts'
import { rollupLag } from './rollup-lag.ts'
import { type ServerFacts, serverFacts } from './server-facts.ts'
import { statements, statementsSource } from './statements.ts'
import { type TableRow, tables } from './tables.ts'
import { traffic } from './traffic.ts'
import { transactionIds } from './transaction-ids.ts'
import { wal } from './wal.ts'

/** A part that is missing or incomplete, why, and the statement that mends it; null where none does. */
export interface Gap {
  readonly part: string
  readonly reason: string
  readonly fix: string | null
}

export interface DatabaseQuestion {
  readonly clock: Clock
  readonly kind: 'embedded' | 'server'
  /** How long the rows of a table are kept, milliseconds; null: for good, or not known. */
  readonly keepMs: (table: string) => number | null
}

/** Counters at the last look, from which rates are made. */
export interface LastLook {
  at: number
  commits: number
  walBytes: number
}

export type DatabaseParts = Awaited<ReturnType<typeof readDatabase>>

/**
 * Everything the database tells of itself; a few parts at a time, so that the dashboard's other questions find a
 * connection. Rejects only where the database is away as a whole.
 */
export async function readDatabase(sql: Sql, question: DatabaseQuestion, last: LastLook) {
  const { clock, kind, keepMs } = question
  const now = clock.now()
  const gaps: Gap[] = []
  const facts = await serverFacts(sql)
  const grant = `GRANT pg_monitor TO ${quoteIdentifier(facts.role)};`
  if (!facts.may_read_statistics)
    gaps.push({
      part: 'activity',
      reason: `The role ${facts.role} sees its own sessions only, not those of others.`,
      fix: grant,
    })

  const attempt = async <Answer>(part: string, ask: () => Promise<Answer>): Promise<Answer | null> => {
    try {
      return await ask()
    } catch (error) {
      gaps.push(gapOf(part, error, grant))
      return null
    }
  }
  const [connected, active, counters] = await Promise.all([
    attempt('connections', () => connections(sql, facts)),
    attempt('activity', () => activity(sql)),
    attempt('traffic', () => traffic(sql)),
  ])
  const [written, ios, copies] = await Promise.all([
    attempt('wal', () => wal(sql, facts)),
    attempt('io', () => io(sql, facts)),
    attempt('replication', () => replication(sql)),
  ])
  const [sizes, indexSizes, calendar] = await Promise.all([
    attempt('tables', () => tables(sql)),
    attempt('indexes', () => indexes(sql)),
    attempt('partitions', () => partitions(sql, now, keepMs)),
  ])
  const [speed, slowest, ids] = await Promise.all([
    attempt('size', () => pace(sql, now)),
    attempt('statements', () => readStatements(sql, gaps)),
    attempt('transaction_ids', () => transactionIds(sql)),
  ])
  const [lag, runs, steps] = await Promise.all([
    attempt('rollups', () => rollupLag(sql)),
    attempt('jobs', () => jobs(sql)),
    attempt('migrations', () => appliedMigrations(sql)),
  ])
  const rates = ratesSince(last, clock.monotonic(), counters?.commits ?? null, written?.bytes ?? null)
  return {
    gaps,
    server: present(facts),
    connections: connected,
    activity: active,
    traffic: counters === null ? null : { ...counters, commits_per_second: rates.commits },
    wal: written === null ? null : { ...written, bytes_per_second: rates.walBytes },
    io: ios,
    replication: copies,
    transaction_ids: ids,
    size: speed === null ? null : await sizeOf(speed, sizes, kind),
    tables: sizes?.map((table) => ({ ...table, growth_bytes_per_day: growthOf(table, speed) })) ?? null,
    indexes: indexSizes,
    partitions: calendar,
    statements: slowest,
    rollups: lag,
    jobs: runs?.latest ?? null,
    job_history: runs?.history ?? null,
    last_backup_at: runs?.latest.find(({ name }) => name === 'backup')?.last_success_at ?? null,
    migrations: steps,
  }
}

async function readStatements(sql: Sql, gaps: Gap[]) {
  const source = await statementsSource(sql)
  if ('schema' in source) return statements(sql, source.schema)
  gaps.push({ part: 'statements', ...source })
  return null
}

/**
 * Why a part did not come. Throws the error on where the database is away as a whole: the parts after it would only wait
 * for it one by one.
 */
function gapOf(part: string, error: unknown, grant: string): Gap {
  const code = codeOf(error) ?? ''
  if (code === '42501') return { part, reason: 'The role may not read it.', fix: grant }
  if (code === '57014') return { part, reason: 'The database took too long to tell.', fix: null }
  if (code === 'busy') return { part, reason: 'All connections for such questions were taken.', fix: null }
  if (code === '55000' && part === 'statements') {
    // Installed, and the list of libraries is not ours to see: the view itself says that it was not loaded.
    return {
      part,
      reason: 'pg_stat_statements is not loaded. Set it, restart the server, then reload this page.',
      fix: `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';`,
    }
  }
  if (/^(42P01|42703|42883|0A000)$/.test(code)) return { part, reason: 'This server does not have it.', fix: null }
  if (/^[0-9A-Z]{5}$/.test(code) && !/^(08|57|53)/.test(code))
    return { part, reason: `The database answered with SQLSTATE ${code}.`, fix: null }
  throw error
}

function present({ version, version_number, database, role, started_at, is_replica, stats_since }: ServerFacts) {
  return { version, version_number, database, role, started_at, is_replica, stats_since }
}

/** Two looks that are closer than this tell nothing of a rate. */
const leastBetweenLooksMs = 1_000

function ratesSince(last: LastLook, at: number, commits: number | null, walBytes: number | null) {
  const seconds = (at - last.at) / 1000
  // Counters begin again when the server crashes; a rate below 0 is none.
  const rate = (nowValue: number | null, before: number): number | null =>
    nowValue === null || !Number.isFinite(seconds) || nowValue < before ? null : (nowValue - before) / seconds
  const rates = { commits: rate(commits, last.commits), walBytes: rate(walBytes, last.walBytes) }
  if (at - last.at >= leastBetweenLooksMs && commits !== null && walBytes !== null)
    Object.assign(last, { at, commits, walBytes })
  return rates
}

const ledgerTable = 'api_requests'
/** With fewer rows most of a table is what its empty partitions take. */
const leastRows = 1_000

function growthOf(table: TableRow, speed: Pace | null): number | null {
  if (speed === null) return null
  if (table.name === ledgerTable) {
    if (speed.rows_per_day === null || table.rows < leastRows) return null
    return (speed.rows_per_day * table.total_bytes) / table.rows
  }
  const days = speed.rollup_days[table.name]
  return days === undefined || table.rows < leastRows ? null : table.total_bytes / days
}

async function sizeOf(speed: Pace, sizes: readonly TableRow[] | null, kind: 'embedded' | 'server') {
  const ledger = sizes?.find(({ name }) => name === ledgerTable)
  // Rollups alone would be a fraction of the whole, and look like it.
  const known = ledger !== undefined && growthOf(ledger, speed) !== null
  const growth = known ? (sizes ?? []).reduce((sum, table) => sum + (growthOf(table, speed) ?? 0), 0) : null
  // Only where the server is on this very machine does its path mean anything here.
  const disk = kind === 'embedded' && speed.data_directory !== null ? await diskOf(speed.data_directory) : null
  return {
    database_bytes: speed.database_bytes,
    growth_bytes_per_day: growth,
    rows_per_day: speed.rows_per_day,
    bytes_per_row: ledger === undefined || ledger.rows < leastRows ? null : ledger.total_bytes / ledger.rows,
    disk,
    days_to_full: disk === null || growth === null || growth <= 0 ? null : disk.free_bytes / growth,
  }
}

/** Room on the disk of a path, as an ordinary user may use it; null where it can not be told. */
export async function diskOf(path: string): Promise<{ free_bytes: number; total_bytes: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { free_bytes: bavail * bsize, total_bytes: blocks * bsize }
  } catch {
    return null // a path that is not there, or a system that does not tell
  }
}

const quoteIdentifier = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`

/** What of the database's figures needs a person, by fixed thresholds. Pure: the same answer, the same findings. */
import type { Database, DatabaseFinding } from '../contract/database.ts'

type Figures = Omit<Database, 'findings' | 'verdict'>

const connectionsWarn = 0.8
const connectionsCritical = 0.9
const longRunningSeconds = 300
const idleInTransactionSeconds = 30
const blockedSeconds = 30
const cacheHitLeast = 0.95
/** A cache that was hardly used yet tells nothing. */
const cacheBlocksLeast = 1_000_000
const replicaLagSeconds = 60
const slotRetainedBytes = 1e9
const deadRatioMost = 0.2
/** Small tables are cleaned when it pays. */
const deadRowsLeast = 10_000
const transactionIdsWarn = 0.5
const transactionIdsCritical = 0.8
const partitionsAheadDays = 3
const statementMeanMs = 500
const lagSeconds = 30
const daysToFullWarn = 30
const daysToFullCritical = 7
const eventLoopLagMs = 200

/** Worst first, and in the order of the page. */
export function judgeDatabase(figures: Figures): DatabaseFinding[] {
  const found = [
    ...judgeAccess(figures),
    ...judgeRecording(figures),
    ...judgeActivity(figures),
    ...judgeStorage(figures),
    ...judgeJobs(figures),
  ]
  return [...found.filter(({ level }) => level === 'critical'), ...found.filter(({ level }) => level === 'warn')]
}

function judgeAccess({ up, connections, pool }: Figures): DatabaseFinding[] {
  if (!up) return [critical('database_away', 'The database does not answer. Calls go on and wait in the journal.')]
  const found: DatabaseFinding[] = []
  if (connections !== null && connections.max > 0) {
    const share = connections.used / connections.max
    const text = `${connections.used} of ${connections.max} connections are in use.`
    if (share > connectionsCritical) found.push(critical('connections_exhausted', text))
    else if (share > connectionsWarn) found.push(warn('connections_high', text))
  }
  if (pool.waiting > pool.max)
    found.push(warn('pool_waiting', `${pool.waiting} statements of this process wait for a connection.`))
  return found
}

function judgeRecording({ recorder, rollups, process }: Figures): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  const dropped = Object.values(recorder.dropped_total).reduce((sum, count) => sum + count, 0)
  if (dropped > 0)
    found.push(
      warn('records_set_aside', `Records that could not be stored and were set aside with their reason: ${dropped}.`),
    )
  if (recorder.lag_seconds > lagSeconds)
    found.push(
      warn('ledger_behind', `The oldest record that is not in the ledger is ${seconds(recorder.lag_seconds)} old.`),
    )
  if (rollups !== null && rollups.lag_seconds > 60)
    found.push(critical('rollups_behind', 'Rollups do not cover the newest rows: somebody wrote past the recorder.'))
  if (process.event_loop_lag_p99_ms !== null && process.event_loop_lag_p99_ms > eventLoopLagMs)
    found.push(
      warn('event_loop_late', `The event loop is up to ${Math.round(process.event_loop_lag_p99_ms)} ms late (p99).`),
    )
  return found
}

function judgeActivity({ activity, traffic, statements }: Figures): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  if (activity !== null) {
    const longest = Math.max(activity.longest_statement_seconds ?? 0, activity.longest_transaction_seconds ?? 0)
    if (longest > longRunningSeconds)
      found.push(warn('long_running', `A statement or transaction runs for ${seconds(longest)}.`))
    const idle = activity.longest_idle_in_transaction_seconds ?? 0
    if (idle > idleInTransactionSeconds)
      found.push(warn('idle_in_transaction', `A session is idle in a transaction for ${seconds(idle)}.`))
    const blocked = activity.blocked.filter((row) => (row.seconds ?? 0) > blockedSeconds).length
    if (blocked > 0)
      found.push(warn('lock_waits', `Sessions that wait for a lock for over ${blockedSeconds} s: ${blocked}.`))
  }
  if (traffic !== null) {
    const { cache_hit_ratio: hits, blocks_hit, blocks_read, checksum_failures } = traffic
    if (hits !== null && hits < cacheHitLeast && blocks_hit + blocks_read > cacheBlocksLeast)
      found.push(warn('cache_misses', `${percent(1 - hits)} of the blocks read are not in the server’s memory.`))
    if (checksum_failures !== null && checksum_failures > 0)
      found.push(critical('checksum_failures', `${checksum_failures} blocks failed their checksum: restore a backup.`))
  }
  const slow = statements?.slowest.filter(({ mean_ms, calls }) => mean_ms > statementMeanMs && calls > 1).length ?? 0
  if (slow > 0)
    found.push(warn('slow_statements', `Statements that take over ${statementMeanMs} ms on average: ${slow}.`))
  return found
}

function judgeStorage({ size, tables, partitions, transaction_ids: ids, replication }: Figures): DatabaseFinding[] {
  const found: DatabaseFinding[] = []
  if (size !== null && size.days_to_full !== null && size.days_to_full < daysToFullWarn) {
    const text = `The disk is full in ${Math.floor(size.days_to_full)} days at this pace.`
    found.push(size.days_to_full < daysToFullCritical ? critical('disk_full_soon', text) : warn('disk_fills', text))
  }
  const bloated = (tables ?? []).filter(
    ({ dead_ratio, dead_rows }) => (dead_ratio ?? 0) > deadRatioMost && dead_rows > deadRowsLeast,
  )
  if (bloated.length > 0)
    found.push(
      warn('dead_rows', `Over ${percent(deadRatioMost)} dead rows in ${bloated.map(({ name }) => name).join(', ')}.`),
    )
  if (partitions !== null && partitions.ahead_days < partitionsAheadDays) {
    const text = `Partitions are there for ${partitions.ahead_days.toFixed(1)} more days.`
    found.push(partitions.ahead_days <= 0 ? critical('partitions_missing', text) : warn('partitions_short', text))
  }
  if (partitions !== null && partitions.default_rows > 0)
    found.push(
      warn('default_partition', `Rows in the default partition, for which none was made: ${partitions.default_rows}.`),
    )
  if (ids !== null && ids.ratio > transactionIdsWarn) {
    const text = `${percent(ids.ratio)} of the transaction ids are used up: vacuum does not get through.`
    found.push(
      ids.ratio > transactionIdsCritical ? critical('transaction_ids', text) : warn('transaction_ids_high', text),
    )
  }
  const behind = [replication?.replay_lag_seconds, ...(replication?.replicas.map((one) => one.lag_seconds) ?? [])]
  const worst = Math.max(0, ...behind.map((lag) => lag ?? 0))
  if (worst > replicaLagSeconds) found.push(warn('replica_behind', `A replica is ${seconds(worst)} behind.`))
  const idle = replication?.slots.filter((slot) => !slot.active && (slot.retained_bytes ?? 0) > slotRetainedBytes) ?? []
  if (idle.length > 0)
    found.push(warn('slot_retains', `Nobody reads the slot ${idle[0]?.name}, and it keeps log files on the disk.`))
  return found
}

function judgeJobs({ jobs }: Figures): DatabaseFinding[] {
  return (jobs ?? [])
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'abandoned')
    .map(({ name, outcome }) =>
      warn('job_failed', `The last run of the job ${name} ${outcome === 'failed' ? 'failed' : 'was abandoned'}.`),
    )
}

const warn = (code: string, text: string): DatabaseFinding => ({ level: 'warn', code, text })
const critical = (code: string, text: string): DatabaseFinding => ({ level: 'critical', code, text })
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`
const seconds = (value: number): string => (value < 120 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`)

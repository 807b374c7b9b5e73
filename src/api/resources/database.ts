import { type Database, database } from '../../contract/database.ts'
import type { DatabaseState, RecorderState } from '../../core/signals.ts'
import { type DatabaseReport, StoreError } from '../../store/index.ts'
import { judgeDatabase } from '../database-verdict.ts'
import { jsonReply } from '../http.ts'
import { iso } from '../present.ts'
import type { ResourceTools } from '../resource-tools.ts'

/** What the process knows of itself, without asking the database. */
export interface SelfFacts {
  readonly recorder: RecorderState
  readonly database: DatabaseState
  readonly process: Database['process']
}

export interface DatabaseSource {
  readonly report: DatabaseReport
  self(): Promise<SelfFacts>
}

/** A page that many look at and that reloads itself: one look at the catalog in this time is enough for all of them. */
const keptForMs = 5_000

/** `GET /api/database`. A database that is away is an answer here, not an error: that is when people look. */
export function databaseRoutes({ bind, share, clock }: ResourceTools, { report, self }: DatabaseSource) {
  const read = async (): Promise<Database> => {
    const [facts, parts] = await Promise.all([self(), readParts(report)])
    const answer = {
      taken_at: iso(clock.now()),
      up: parts !== null,
      kind: report.kind,
      pool: { ...facts.database.pool, wait_p95_ms: report.poolWaitP95Ms() },
      recorder: presentRecorder(facts.recorder),
      process: facts.process,
      ...(parts ?? nothing),
    }
    const findings = judgeDatabase(answer)
    return { ...answer, findings, verdict: findings[0]?.level ?? 'ok' }
  }
  return [bind(database, async () => jsonReply(await share(database, {}, read, keptForMs)))]
}

async function readParts(report: DatabaseReport) {
  try {
    return await report.read()
  } catch (error) {
    // A defect of ours must be seen as one. Everything else is the way to the database, whatever it is called there.
    if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error
    // It is there, and too many ask: the reply says so.
    if (error instanceof StoreError && error.code === 'busy') throw error
    return null
  }
}

function presentRecorder(state: RecorderState): Database['recorder'] {
  return {
    queue_rows: state.queueRows,
    queue_bytes: state.queueBytes,
    lag_seconds: state.lagSeconds,
    journal_bytes: state.journalBytes,
    written_total: state.writtenTotal,
    write_errors_total: state.writeErrorsTotal,
    dropped_total: { ...state.droppedTotal },
    open_exchanges: state.openExchanges,
  }
}

const nothing = {
  gaps: [],
  server: null,
  connections: null,
  activity: null,
  traffic: null,
  wal: null,
  io: null,
  replication: null,
  transaction_ids: null,
  size: null,
  tables: null,
  indexes: null,
  partitions: null,
  statements: null,
  rollups: null,
  jobs: null,
  job_history: null,
  last_backup_at: null,
  migrations: null,
}

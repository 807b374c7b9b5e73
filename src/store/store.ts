import type { WriteExchanges } from '../core/ledger.ts'
import type { DatabaseState } from '../core/signals.ts'
import type { ClientKeys } from './client-keys.ts'
import type { DatabaseReport } from './database-report.ts'
import type { ExportQuestion, ExportRow } from './export/index.ts'
import type { LedgerImports } from './imports.ts'
import type { JobCounts, Jobs } from './jobs.ts'
import type { Queries } from './queries/index.ts'

/** The ledger's database, as the rest of the office sees it. */
export interface Store {
  /**
   * Resolves when the database was reached and its schema is today's. Rejects when the store is closed before that, and
   * with a `StoreError` where only a person can help: an old server, a schema of a newer program, missing rights.
   */
  readonly ready: Promise<void>
  /** What the pools do now; `up` is false from the moment the connection breaks. */
  state(): DatabaseState
  /** Asks the database itself; never rejects. */
  ping(): Promise<boolean>
  /** Throws until `ready`, and while the database is away: the same batch may be tried again. */
  readonly writeExchanges: WriteExchanges
  /** The same for history that others wrote down. */
  readonly imports: LedgerImports
  /** Reads only, each statement limited in time. */
  readonly queries: Queries
  /** The database about itself. */
  readonly report: DatabaseReport
  /** The rows of a range, oldest first, page by page, on connections of their own. */
  exportRows(question: ExportQuestion): AsyncIterable<readonly ExportRow[]>
  readonly keys: ClientKeys
  /** Work that one of several instances does at a time, and its history. */
  readonly jobs: Jobs
  /** Drops the partitions that retention lets go, until the signal; the work of the job `retention`. */
  dropExpired(signal: AbortSignal): Promise<JobCounts>
  /** Days from now on for which the ledger has partitions. */
  partitionDaysAhead(): Promise<number>
  /** Size of the whole database. The server looks at every file of it: not a question for each scrape. */
  sizeBytes(): Promise<number>
  /**
   * Hears `NOTIFY` on a channel (`exchangesChannel`, `keysChannel`) until the returned function is called. After the
   * connection was lost, the handler is called with an empty payload: something may have been missed.
   */
  listen(channel: string, handler: (payload: string) => void): () => void
  /** The address of the database with its password, for the owner's eyes only. */
  connectionUrl(): string
  /** Ends every connection, and the embedded server. */
  close(): Promise<void>
}

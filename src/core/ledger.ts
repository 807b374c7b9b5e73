import type { ImportedExchange, RecordedExchange } from './exchange.ts'

/** A row the ledger will never take, and why (a reason for people; no row content). */
export interface RejectedRow {
  readonly id: string
  readonly reason: string
}

/**
 * Writes a batch to the ledger, idempotently by exchange id: rows that are there already count as neither inserted nor
 * rejected. A row that is at fault itself comes back in `rejected` while the others are stored. It throws only where the
 * same batch may succeed later (the database is away, a deadlock, a timeout), because the caller then tries for ever.
 */
export type WriteExchanges = WriteRows<RecordedExchange>

/** The same for history: its rows are marked as imported and are in no latency histogram. */
export type WriteImported = WriteRows<ImportedExchange>

type WriteRows<Row> = (
  batch: readonly Row[],
) => Promise<{ readonly inserted: number; readonly rejected: readonly RejectedRow[] }>

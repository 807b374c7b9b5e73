import type { ExchangeSource, ImportedExchange } from '../../core/exchange.ts'
import type { WriteImported } from '../../core/ledger.ts'

/** The ledger as an import sees it (the store's `LedgerImports`). */
export interface ImportLedger {
  readonly write: WriteImported
  /** Absent where calls are known by their ids alone. */
  readonly knownCalls?: (
    calls: readonly { readonly requestId: string; readonly at: number }[],
  ) => Promise<ReadonlyMap<string, ExchangeSource>>
}

/** What became of the calls that were found. */
export interface ImportCounts {
  imported: number
  /** From an import before, or another copy of the same conversation. */
  alreadyThere: number
  /** This gateway measured them itself, which is better. */
  measured: number
  /** The ledger does not take them. */
  rejected: number
}

/** Rows of one statement: large enough to be quick, small enough to be stopped at once. */
export const batchRows = 500

/** Writes calls in batches and counts what became of each. */
export class ImportWriter {
  readonly counts: ImportCounts = { imported: 0, alreadyThere: 0, measured: 0, rejected: 0 }
  /** Why rows were rejected, a few of them. */
  readonly reasons = new Set<string>()
  readonly #ledger: ImportLedger
  #batch: ImportedExchange[] = []

  constructor(ledger: ImportLedger) {
    this.#ledger = ledger
  }

  async add(exchange: ImportedExchange): Promise<void> {
    this.#batch.push(exchange)
    if (this.#batch.length >= batchRows) await this.flush()
  }

  async flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    if (batch.length === 0) return
    const known = await this.#ledger.knownCalls?.(
      batch.flatMap(({ upstreamRequestId, openedAt }) =>
        upstreamRequestId === null ? [] : [{ requestId: upstreamRequestId, at: openedAt }],
      ),
    )
    const unknown: ImportedExchange[] = []
    for (const exchange of batch) {
      const source = exchange.upstreamRequestId === null ? undefined : known?.get(exchange.upstreamRequestId)
      if (source === 'wire') this.counts.measured += 1
      else if (source === 'import') this.counts.alreadyThere += 1
      else unknown.push(exchange)
    }
    const { inserted, rejected } = await this.#ledger.write(unknown)
    this.counts.imported += inserted
    this.counts.rejected += rejected.length
    this.counts.alreadyThere += unknown.length - inserted - rejected.length
    for (const { reason } of rejected) if (this.reasons.size < 10) this.reasons.add(reason)
  }
}

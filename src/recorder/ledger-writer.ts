import type { Clock } from '../core/clock.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import type { WriteExchanges } from '../core/ledger.ts'
import type { Logger } from '../core/logger.ts'
import type { LedgerFlushed } from '../core/signals.ts'
import type { AsideQueue } from './aside-queue.ts'
import type { RecorderConfig } from './config.ts'

/** A row on its way to the ledger. */
export interface LedgerRow {
  readonly exchange: RecordedExchange
  /** Size of its journal record, as the measure of its memory. */
  readonly bytes: number
  /** It is in the ledger, or it was refused for good and set aside. */
  readonly onStored: () => void
  /** It was refused for good and waits for a disk to be set aside on: `onStored` comes later than those of rows behind it. */
  readonly onOwed: () => void
}

export type LedgerWriterConfig = Pick<
  RecorderConfig,
  'batchRows' | 'batchDelayMs' | 'queueRows' | 'queueBytes' | 'writeTimeoutMs'
>

const firstRetryMs = 100
const lastRetryMs = 5_000

/**
 * The queue before the ledger: first in, first out, one batch at a time. A batch that fails stays and is tried again
 * for ever, at growing distances; who fills the queue looks at `hasRoom` and leaves the rest on disk.
 */
export class LedgerWriter {
  readonly #write: WriteExchanges
  readonly #config: LedgerWriterConfig
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #aside: AsideQueue
  readonly #onFlushed: (flush: LedgerFlushed) => void
  #rows: LedgerRow[] = []
  #bytes = 0
  #isWriting = false
  #isStopped = false
  #timer: NodeJS.Timeout | null = null
  #failures = 0
  #writtenTotal = 0
  #errorsTotal = 0
  #rejectedTotal = 0

  constructor(options: {
    writeExchanges: WriteExchanges
    config: LedgerWriterConfig
    clock: Clock
    logger: Logger
    aside: AsideQueue
    onFlushed?: ((flush: LedgerFlushed) => void) | undefined
  }) {
    this.#write = options.writeExchanges
    this.#config = options.config
    this.#clock = options.clock
    this.#logger = options.logger
    this.#aside = options.aside
    this.#onFlushed = options.onFlushed ?? (() => undefined)
  }

  get hasRoom(): boolean {
    return this.#rows.length < this.#config.queueRows && this.#bytes < this.#config.queueBytes
  }

  /** Rows and bytes that wait, a batch under way included. */
  get rows(): number {
    return this.#rows.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get totals(): { written: number; errors: number; rejected: number } {
    return { written: this.#writtenTotal, errors: this.#errorsTotal, rejected: this.#rejectedTotal }
  }

  /** Age of the oldest row in seconds; 0 where there is none. */
  get lagSeconds(): number {
    const oldest = this.#rows[0]
    return oldest === undefined ? 0 : Math.max(0, this.#clock.now() - oldest.exchange.closedAt) / 1_000
  }

  add(row: LedgerRow): void {
    this.#rows.push(row)
    this.#bytes += row.bytes
    if (this.#failures > 0 || this.#isWriting) return
    if (this.#rows.length >= this.#config.batchRows) this.flush()
    else if (this.#timer === null) this.#writeIn(this.#config.batchDelayMs)
  }

  /** Writes what there is without waiting for a full batch; not sooner after a failure, though. */
  flush(): void {
    if (this.#failures > 0 || this.#isWriting || this.#rows.length === 0) return
    this.#writeIn(0)
  }

  /** Starts no more writes. One under way is left alone: whether it ends well or not, the rows are found again. */
  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #writeIn(delayMs: number): void {
    if (this.#isStopped) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#writeBatch()
    }, delayMs)
  }

  async #writeBatch(): Promise<void> {
    this.#isWriting = true
    const batch = this.#rows.slice(0, this.#config.batchRows)
    const owed = await this.#tryBatch(batch)
    this.#isWriting = false
    if (this.#isStopped) return
    if (owed === null) {
      this.#writeIn(Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10)))
      return
    }
    this.#rows.splice(0, batch.length)
    for (const row of batch) {
      this.#bytes -= row.bytes
      if (!owed.has(row)) row.onStored()
    }
    if (this.#rows.length > 0)
      this.#writeIn(this.#rows.length >= this.#config.batchRows ? 0 : this.#config.batchDelayMs)
  }

  /** Null where the batch is to be tried again; else its rows that are neither in the ledger nor set aside yet. */
  async #tryBatch(batch: readonly LedgerRow[]): Promise<ReadonlySet<LedgerRow> | null> {
    try {
      const { inserted, rejected } = await this.#timed(batch.length, this.#write(batch.map((row) => row.exchange)))
      // A stopped recorder leaves the rest to the next one, lest both set the same row aside.
      if (this.#isStopped) return null
      this.#writtenTotal += inserted
      const owed = await this.#setRejectedAside(batch, new Map(rejected.map(({ id, reason }) => [id, reason])))
      if (this.#failures > 0) {
        const fields = { failures: this.#failures, rows: this.#rows.length }
        this.#logger.info('ledger_writes_recovered', 'The ledger takes rows again', fields)
      }
      this.#failures = 0
      return owed
    } catch (error) {
      this.#failures += 1
      this.#errorsTotal += 1
      if (this.#failures === 1 && !this.#isStopped) {
        // The message of a database error may quote values; its class and code do not.
        const code =
          error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
        const name = error instanceof Error ? error.name : undefined
        this.#logger.warn('ledger_write_failed', 'The ledger takes no rows; they wait and are tried again', {
          name,
          code,
        })
      }
      return null
    }
  }

  async #setRejectedAside(
    batch: readonly LedgerRow[],
    reasons: ReadonlyMap<string, string>,
  ): Promise<ReadonlySet<LedgerRow>> {
    const owed = new Set<LedgerRow>()
    if (reasons.size === 0) return owed
    for (const row of batch) {
      const { exchange } = row
      const reason = reasons.get(exchange.id)
      if (reason === undefined) continue
      this.#rejectedTotal += 1
      this.#logger.error('ledger_row_rejected', 'The ledger refuses a row for good; it was set aside', {
        id: exchange.id,
        reason,
      })
      const kept = await this.#aside.add({ reason, at: this.#clock.now(), exchange }, row.onStored)
      if (kept === 'now') continue
      owed.add(row)
      row.onOwed()
    }
    return owed
  }

  async #timed<T>(rows: number, write: Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic()
    let failed = true
    try {
      const result = await this.#inTime(write)
      failed = false
      return result
    } finally {
      this.#onFlushed({ ms: this.#clock.monotonic() - startedAt, rows, failed })
    }
  }

  /** A write that hangs would stop everything behind it. Trying again is safe: rows are known by their ids. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      const late = Object.assign(new Error('the ledger gave no answer in time'), { code: 'write_timeout' })
      timer = setTimeout(() => reject(late), this.#config.writeTimeoutMs)
    })
    try {
      return await Promise.race([work, deadline])
    } finally {
      clearTimeout(timer)
    }
  }
}

import type { RecordedExchange } from '../../src/core/exchange.ts'
import type { RejectedRow, WriteExchanges } from '../../src/core/ledger.ts'

/** A ledger in memory that keeps the promise of the real one (known ids are not inserted again) and can misbehave. */
export class MemoryLedger {
  /** Rows in the order of their insertion. */
  readonly rows = new Map<string, RecordedExchange>()
  readonly batches: number[] = []
  /** Ids of all rows of the writes that were answered, repeated ones too. */
  readonly taken: string[] = []
  /** What the next writes do; `commit-then-fail` is a connection that breaks after the commit. */
  mood: 'works' | 'fails' | 'hangs' | 'commit-then-fail' = 'works'
  /** Says why a row is refused for good; null takes it. */
  refuse: (row: RecordedExchange) => string | null = () => null

  readonly write: WriteExchanges = async (batch) => {
    this.batches.push(batch.length)
    await Promise.resolve()
    if (this.mood === 'fails') throw Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' })
    if (this.mood === 'hangs') return new Promise(() => {})
    const rejected: RejectedRow[] = []
    let inserted = 0
    for (const row of batch) {
      const reason = this.refuse(row)
      if (reason !== null) rejected.push({ id: row.id, reason })
      else if (!this.rows.has(row.id)) {
        this.rows.set(row.id, row)
        inserted += 1
      }
    }
    if (this.mood === 'commit-then-fail') throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
    this.taken.push(...batch.map((row) => row.id))
    return { inserted, rejected }
  }

  get ids(): string[] {
    return [...this.rows.keys()]
  }
}

import type { ExchangeClosed, ExchangeObserver, ExchangeOpened, RecordedExchange } from '../core/exchange.ts'
import type { PriceBook } from '../core/pricing.ts'
import {
  comparePositions,
  type JournalCursor,
  type JournalPosition,
  type JournalReader,
  type JournalRecord,
  journalStart,
} from '../journal/index.ts'
import type { Kept } from './aside-queue.ts'
import type { JournalCheckpoint } from './checkpoint.ts'
import { interruptedExchange } from './interrupted-exchange.ts'
import type { LedgerWriter } from './ledger-writer.ts'
import { type Defect, parseExchange } from './parse-exchange.ts'

/** Calls in flight that are remembered for each journal; only records lost at a full disk can make them so many. */
const maxOpen = 100_000

/** An interrupted row has no closing record; this is the size of a usual one. */
const interruptedBytes = 1_200

/** Reads of one turn: some 2 MB, after which other journals and the rest of the process have theirs. */
const readsPerTurn = 8

export interface FollowedJournalOptions {
  readonly name: string
  readonly reader: JournalReader
  readonly writer: LedgerWriter
  readonly priceBook: PriceBook
  readonly observers: ExchangeObserver
  /** What an earlier life left. */
  readonly from: JournalCheckpoint | undefined
  /** True for a journal of an earlier life: its records are no news to the observers. */
  readonly isOld: boolean
  /** A record that can not be read: counted and set aside. `onKept` is told where that is not done at once. */
  readonly onDefect: (record: JournalRecord, defect: Defect, onKept: () => void) => Promise<Kept>
  readonly onForgotten: () => void
}

interface OpenCall {
  readonly opened: ExchangeOpened
  /** Where its record is; null where it came from the checkpoint. */
  readonly place: JournalPosition | null
  /** Its end was read and is on its way to the ledger. */
  isClosed: boolean
  /** A checkpoint on disk has it, so that its segment may go. */
  isSaved: boolean
}

/**
 * One journal on its way to two readers of different speed. The *tail* is at the end of the file and tells observers.
 * As long as the ledger keeps up, its rows are queued from the tail (one read, one parse). When the queue is full the
 * ledger *falls behind*: the tail goes on without it, and a second cursor reads the same file again, from the first
 * record that was not queued, whenever the queue has room, until it stands where the tail stands. So observers are live
 * while the database is away, and memory is bounded by the queue.
 */
export class FollowedJournal {
  readonly name: string
  readonly #options: FollowedJournalOptions
  readonly #tail: JournalCursor
  /** The ledger's own cursor while it is behind the tail; null while it rides on it. */
  #behind: JournalCursor | null = null
  /** Records before this place were told in an earlier life; null: all of them were. */
  readonly #news: JournalPosition | null
  /** The end of the last record that the ledger's reader has dealt with, and of the last that is stored. */
  #readUntil: JournalPosition
  #storedUntil: JournalPosition
  /** Rows on their way to the ledger, and of the records that wait to be set aside where they begin. */
  #queued = 0
  readonly #owed = new Set<JournalPosition>()
  #behindRows = 0
  #ledgerCalls = new Map<string, OpenCall>()
  #observedCalls = new Map<string, ExchangeOpened>()
  /** Set once the writer is gone and everything was read: when the journal was written to last. */
  #endedAt: number | null = null
  #interruptedQueued = false
  #interruptedTold: boolean

  constructor(options: FollowedJournalOptions) {
    const { from, isOld } = options
    this.name = options.name
    this.#options = options
    this.#readUntil = from?.stored ?? journalStart
    this.#storedUntil = this.#readUntil
    this.#news = isOld ? null : (from?.told ?? journalStart)
    this.#interruptedTold = from?.interruptedTold ?? false
    this.#tail = options.reader.cursor(options.name, this.#readUntil)
    for (const opened of from?.opened ?? []) {
      this.#ledgerCalls.set(opened.id, { opened, place: null, isClosed: false, isSaved: true })
      this.#observedCalls.set(opened.id, opened)
    }
  }

  /** Calls that are open now; those of a journal whose writer is gone are not. */
  get openCalls(): number {
    return this.#news === null || this.#endedAt !== null ? 0 : this.#observedCalls.size
  }

  /** Rows that the tail has seen and the ledger's reader has not. */
  get behindRows(): number {
    return this.#behindRows
  }

  get isBehind(): boolean {
    return this.#behind !== null
  }

  /** Its writer is gone, its open calls are known, and the observers do not know of them. */
  get hasInterruptedToTell(): boolean {
    return this.#endedAt !== null && !this.#interruptedTold
  }

  /** Everything in it is stored and told: it can be deleted. */
  get isFinished(): boolean {
    return this.#interruptedQueued && this.#interruptedTold && this.#queued === 0 && this.#owed.size === 0
  }

  /** Reads on for the observers. True where there may be more at once. */
  async advanceTail(): Promise<{ moved: boolean; more: boolean }> {
    let moved = false
    for (let reads = 0; reads < readsPerTurn; reads += 1) {
      if (this.#endedAt !== null) return { moved, more: false }
      // With nothing to tell there is no hurry: the tail then waits for the ledger instead of running ahead of it.
      if (!this.#isNews(this.#tail.position) && (this.isBehind || !this.#options.writer.hasRoom))
        return { moved, more: false }
      const step = await this.#tail.read()
      if (step.kind === 'records') {
        for (const record of step.records) await this.#readAtTail(record)
      }
      if (!this.isBehind) this.#readUntil = this.#tail.position
      if (step.kind === 'idle') return { moved, more: false }
      if (step.kind === 'end') this.#endedAt = (await this.#options.reader.lastWriteAt(this.name)) ?? 0
      moved = true
    }
    return { moved, more: true }
  }

  /** Reads on for the ledger, where it is behind and has room. True where there may be more at once. */
  async advanceLedger(): Promise<{ moved: boolean; more: boolean }> {
    let moved = false
    for (let reads = 0; reads < readsPerTurn && this.#behind !== null; reads += 1) {
      if (!this.#options.writer.hasRoom) return { moved, more: false }
      const cursor = this.#behind
      const step = await cursor.read(this.#tail.position)
      if (step.kind === 'records') {
        for (const record of step.records) await this.#readBehind(record)
      }
      this.#readUntil = cursor.position
      if (comparePositions(cursor.position, this.#tail.position) >= 0) await this.#catchUp(cursor)
      else if (step.kind !== 'records') return { moved, more: false }
      moved = true
    }
    if (this.#endedAt !== null && this.#behind === null && !this.#interruptedQueued) {
      this.#queueInterrupted(this.#endedAt)
      moved = true
    }
    return { moved, more: this.#behind !== null && this.#options.writer.hasRoom }
  }

  /** Marks the interrupted calls as told; the caller then writes a checkpoint before it calls what this returns. */
  takeInterrupted(): () => void {
    this.#interruptedTold = true
    const calls = [...this.#observedCalls.values()]
    const endedAt = this.#endedAt ?? 0
    this.#observedCalls = new Map()
    return () => {
      for (const opened of calls) {
        this.#options.observers.exchangeClosed(this.#priced(interruptedExchange(opened, endedAt)))
      }
    }
  }

  /** What a next life needs to go on, and what to call once it is on disk. */
  checkpoint(): { state: JournalCheckpoint; onSaved: () => void } {
    // A call that was opened later is found again by reading on from there: with a long queue that is nearly all of them.
    const known = this.#storedButOwed
    const calls = [...this.#ledgerCalls.values()].filter(
      ({ place }) => place === null || comparePositions(place, known) < 0,
    )
    const told = this.#tail.position
    const news = this.#news
    return {
      state: {
        stored: this.stored,
        told: news !== null && comparePositions(news, told) > 0 ? news : told,
        interruptedTold: this.#interruptedTold,
        opened: calls.map((call) => call.opened),
      },
      onSaved: () => {
        for (const call of calls) call.isSaved = true
      },
    }
  }

  /** Everything before it is in the ledger, or set aside: the next life begins there. */
  get stored(): JournalPosition {
    let stored = this.#storedButOwed
    for (const start of this.#owed) if (comparePositions(start, stored) < 0) stored = start
    return stored
  }

  /** Segments before it may go, but those that are needed. */
  get freeUntil(): number {
    return this.#storedButOwed.segment
  }

  get #storedButOwed(): JournalPosition {
    return this.#queued === 0 ? this.#readUntil : this.#storedUntil
  }

  /** True where this segment has a record that is to be set aside. */
  isOwed(segment: number): boolean {
    for (const start of this.#owed) if (start.segment === segment) return true
    return false
  }

  /** The same, or a call that is still open is known from this segment alone, because no checkpoint has it. */
  isNeeded(segment: number): boolean {
    if (this.isOwed(segment)) return true
    for (const call of this.#ledgerCalls.values()) {
      if (call.place?.segment === segment && !call.isSaved) return true
    }
    return false
  }

  async close(): Promise<void> {
    await this.#tail.close()
    await this.#behind?.close()
  }

  #isNews(position: JournalPosition): boolean {
    return this.#news !== null && comparePositions(position, this.#news) >= 0
  }

  async #readAtTail(record: JournalRecord): Promise<void> {
    const parsed = parseExchange(record.payload.toString('utf8'))
    const event = parsed.kind === 'closed' ? this.#priced(parsed) : parsed
    const start = { segment: record.segment, offset: record.start }
    const isNews = this.#isNews(start)
    if (event.kind === 'opened') {
      this.#keepBounded(this.#observedCalls)
      this.#observedCalls.set(event.id, event)
      if (isNews) this.#options.observers.exchangeOpened(event)
    } else if (event.kind === 'closed') {
      this.#observedCalls.delete(event.id)
      if (isNews) this.#options.observers.exchangeClosed(event)
    }
    if (this.#behind === null && !this.#options.writer.hasRoom) {
      this.#behind = this.#options.reader.cursor(this.name, start)
    }
    if (this.#behind === null) await this.#takeForLedger(record, event)
    else if (event.kind === 'closed') this.#behindRows += 1
  }

  async #readBehind(record: JournalRecord): Promise<void> {
    const event = parseExchange(record.payload.toString('utf8'))
    if (event.kind === 'closed') this.#behindRows -= 1
    await this.#takeForLedger(record, event.kind === 'closed' ? this.#priced(event) : event)
  }

  /** A record in the order of the ledger. */
  async #takeForLedger(record: JournalRecord, event: ExchangeOpened | RecordedExchange | Defect): Promise<void> {
    const end = { segment: record.segment, offset: record.end }
    if (event.kind === 'defect') {
      const start = { segment: record.segment, offset: record.start }
      const kept = await this.#options.onDefect(record, event, () => this.#owed.delete(start))
      if (kept === 'later') this.#owed.add(start)
    } else if (event.kind === 'opened') {
      if (this.#keepBounded(this.#ledgerCalls)) this.#options.onForgotten()
      const place = { segment: record.segment, offset: record.start }
      this.#ledgerCalls.set(event.id, { opened: event, place, isClosed: false, isSaved: false })
    } else {
      const call = this.#ledgerCalls.get(event.id)
      if (call !== undefined) call.isClosed = true
      this.#queue(event, record.payload.length, { start: { segment: record.segment, offset: record.start }, end })
    }
    this.#readUntil = end
  }

  #queue(
    exchange: RecordedExchange,
    bytes: number,
    place: { start: JournalPosition; end: JournalPosition } | null,
  ): void {
    this.#queued += 1
    let isOwed = false
    this.#options.writer.add({
      exchange,
      bytes,
      onStored: () => {
        if (isOwed) {
          if (place !== null) this.#owed.delete(place.start)
        } else if (place !== null) {
          this.#storedUntil = place.end
        }
        // An interrupted call that is owed is known from the checkpoint and its journal, which stay as long as it counts here.
        if (!isOwed || place === null) this.#queued -= 1
        this.#ledgerCalls.delete(exchange.id)
      },
      onOwed: () => {
        isOwed = true
        if (place === null) return
        this.#owed.add(place.start)
        this.#storedUntil = place.end
        this.#queued -= 1
      },
    })
  }

  /** The same object with its price: it was just made here and is nobody else's, and a copy would cost as much as pricing it. */
  #priced(closed: ExchangeClosed): RecordedExchange {
    return Object.assign(closed, this.#options.priceBook.price(closed))
  }

  async #catchUp(cursor: JournalCursor): Promise<void> {
    this.#behind = null
    this.#behindRows = 0
    await cursor.close()
  }

  #queueInterrupted(endedAt: number): void {
    this.#interruptedQueued = true
    for (const { opened, isClosed } of this.#ledgerCalls.values()) {
      if (!isClosed) this.#queue(this.#priced(interruptedExchange(opened, endedAt)), interruptedBytes, null)
    }
  }

  #keepBounded(calls: Map<string, unknown>): boolean {
    if (calls.size < maxOpen) return false
    const oldest = calls.keys().next()
    if (!oldest.done) calls.delete(oldest.value)
    return true
  }
}

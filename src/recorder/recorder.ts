import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { ExchangeObserver } from '../core/exchange.ts'
import type { WriteExchanges } from '../core/ledger.ts'
import type { Logger } from '../core/logger.ts'
import type { PriceBook } from '../core/pricing.ts'
import type { LedgerFlushed, RecorderState } from '../core/signals.ts'
import { createJournalReader, createSetAside, type JournalReader, type SetAside } from '../journal/index.ts'
import { AsideQueue } from './aside-queue.ts'
import { type Checkpoint, type CheckpointFile, checkpointFile } from './checkpoint.ts'
import { FollowedJournal } from './followed-journal.ts'
import { guardedObservers } from './guarded-observers.ts'
import { LedgerWriter, type LedgerWriterConfig } from './ledger-writer.ts'

/** From the journals to the ledger, and to everyone who wants to know at once. */
export interface Recorder {
  /** Reads the checkpoint and begins. Rejects where the journals' directory can not be read. */
  start(): Promise<void>
  /** Resolves when all that is in the journals by now is in the ledger, or set aside; not before the database is back. */
  drained(): Promise<void>
  /** Drains for at most so long, then stops. What is not stored by then is found again by the next life. */
  stop(options: { drainMs: number }): Promise<void>
  state(): RecorderState
  /** Looks at the journals now. */
  wake(): void
}

export interface RecorderOptions {
  /** Directory of the journals; the checkpoint lies in it, `journal-rejected` beside it. */
  readonly journalRoot: string
  /**
   * Whether the writer of this journal may still append. A name must be alive before its directory exists, and never
   * again once it was not: a dead journal is read to its end, its open calls become `interrupted`, and it is deleted.
   */
  readonly isAlive: (journal: string) => boolean
  readonly writeExchanges: WriteExchanges
  readonly priceBook: PriceBook
  readonly observers: readonly ExchangeObserver[]
  /** Told of each try to write a batch. */
  readonly onFlushed?: (flush: LedgerFlushed) => void
  readonly clock: Clock
  readonly logger: Logger
  readonly config: LedgerWriterConfig
  /** The files it works on; a test puts others in their place. */
  readonly files?: Partial<RecorderFiles>
}

/** Every way of the recorder to the disk. */
export interface RecorderFiles {
  readonly setAside: SetAside
  readonly checkpoint: CheckpointFile
  readonly reader: JournalReader
}

const busyPollMs = 25
const idlePollMs = 100
const afterErrorMs = 1_000
/** How much work a crash may make the next life do again; how soon segments are freed. */
const housekeepingMs = 1_000

/** Nothing is read before `start`. */
export function createRecorder(options: RecorderOptions): Recorder {
  return new JournalRecorder(options)
}

class JournalRecorder implements Recorder {
  readonly #options: RecorderOptions
  readonly #reader: JournalReader
  readonly #aside: AsideQueue
  readonly #writer: LedgerWriter
  readonly #observers: ExchangeObserver
  readonly #checkpoint: CheckpointFile
  readonly #journals = new Map<string, FollowedJournal>()
  /** What an earlier life left of journals that are not found yet. */
  #left: Checkpoint = new Map()
  #drainers: { readonly fromPass: number; readonly resolve: () => void }[] = []
  #pass = 0
  #isStopped = false
  #loop: Promise<void> = Promise.resolve()
  #housekeeping: Promise<void> | null = null
  #housekeepingAt = Number.NEGATIVE_INFINITY
  #checkpointFails = false
  #readFails = false
  #wakeUp: () => void = () => {}
  #isAwake = false
  #journalBytes = 0
  #unreadable = 0
  #forgotten = 0
  #asideLost = 0

  constructor(options: RecorderOptions) {
    const { journalRoot, isAlive, clock, logger, config, writeExchanges } = options
    this.#options = options
    const setAside =
      options.files?.setAside ??
      createSetAside({
        directory: path.join(journalRoot, '..', 'journal-rejected'),
        logger,
        onLost: () => {
          this.#asideLost += 1
        },
      })
    this.#aside = new AsideQueue({ setAside, logger })
    this.#reader = options.files?.reader ?? createJournalReader({ root: journalRoot, isAlive, setAside, logger })
    this.#writer = new LedgerWriter({
      ...{ writeExchanges, config, clock, logger },
      aside: this.#aside,
      onFlushed: options.onFlushed,
    })
    this.#observers = guardedObservers(options.observers, logger)
    this.#checkpoint = options.files?.checkpoint ?? checkpointFile({ directory: journalRoot, logger })
  }

  async start(): Promise<void> {
    this.#left = await this.#checkpoint.read()
    await this.#discover(true)
    this.#left = new Map()
    this.#loop = this.#run()
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drainers.push({ fromPass: this.#pass + 1, resolve })
      this.wake()
    })
  }

  async stop({ drainMs }: { drainMs: number }): Promise<void> {
    if (this.#isStopped) return this.#loop
    const timeout = new AbortController()
    await Promise.race([this.drained(), delay(drainMs, undefined, { signal: timeout.signal })])
    timeout.abort()
    this.#isStopped = true
    this.wake()
    await this.#loop
    this.#writer.stop()
    await this.#aside.stop()
    await this.#housekeeping
    await this.#saveAndRelease()
    for (const journal of this.#journals.values()) await journal.close()
  }

  state(): RecorderState {
    const journals = [...this.#journals.values()]
    const sum = (of: (journal: FollowedJournal) => number): number => journals.reduce((all, one) => all + of(one), 0)
    const { written, errors, rejected } = this.#writer.totals
    return {
      queueRows: this.#writer.rows + sum((journal) => journal.behindRows),
      queueBytes: this.#writer.bytes,
      lagSeconds: this.#writer.lagSeconds,
      journalBytes: this.#journalBytes,
      writtenTotal: written,
      writeErrorsTotal: errors,
      droppedTotal: {
        unreadable: this.#unreadable,
        rejected,
        damaged: this.#reader.damagedTotal(),
        open_forgotten: this.#forgotten,
        set_aside_deleted: this.#asideLost,
      },
      openExchanges: sum((journal) => journal.openCalls),
    }
  }

  wake(): void {
    this.#isAwake = true
    this.#wakeUp()
  }

  async #run(): Promise<void> {
    let pauseMs = busyPollMs
    while (!this.#isStopped) {
      this.#isAwake = false
      try {
        const { moved, more } = await this.#onePass()
        pauseMs = moved || this.#drainers.length > 0 ? busyPollMs : Math.min(idlePollMs, pauseMs * 2)
        await this.#pause(more ? 0 : pauseMs)
      } catch (error) {
        if (!this.#readFails) {
          const reason = error instanceof Error ? error.message : 'unknown'
          this.#options.logger.error('journal_read_failed', 'The journals can not be read; it is tried again', {
            reason,
          })
        }
        this.#readFails = true
        await this.#pause(afterErrorMs)
      }
    }
  }

  async #onePass(): Promise<{ moved: boolean; more: boolean }> {
    this.#pass += 1
    const all = { moved: await this.#discover(false), more: false }
    const add = (one: { moved: boolean; more: boolean }): void => {
      all.moved ||= one.moved
      all.more ||= one.more
    }
    // Observers first: the ledger may take its time.
    for (const journal of this.#journals.values()) add(await journal.advanceTail())
    for (const journal of this.#journals.values()) {
      add(await journal.advanceLedger())
      if (journal.hasInterruptedToTell) await this.#tellInterrupted(journal)
      if (journal.isFinished) await this.#remove(journal)
    }
    this.#readFails = false
    this.#keepHouse()
    this.#settleDrainers(all.moved || all.more)
    return all
  }

  /** True where a new journal was found. */
  async #discover(atStart: boolean): Promise<boolean> {
    let found = false
    for (const name of await this.#reader.discover()) {
      if (this.#journals.has(name)) continue
      found = true
      const journal = new FollowedJournal({
        name,
        reader: this.#reader,
        writer: this.#writer,
        priceBook: this.#options.priceBook,
        observers: this.#observers,
        from: this.#left.get(name),
        // A journal that dies between two looks of ours is of this life all the same.
        isOld: atStart && !this.#options.isAlive(name),
        onDefect: async (record, { reason }, onKept) => {
          this.#unreadable += 1
          const { journal: from, segment, start } = record
          this.#options.logger.error(
            'journal_record_unreadable',
            'A record of the journal can not be read; it was set aside',
            {
              journal: from,
              segment,
              reason,
            },
          )
          const text = record.payload.toString('utf8')
          return this.#aside.add({ reason, journal: from, segment, offset: start, record: text }, onKept)
        },
        onForgotten: () => {
          this.#forgotten += 1
        },
      })
      this.#journals.set(name, journal)
    }
    return found
  }

  /** On disk first that they were told, then told: after a crash in between they are counted too little, never twice. */
  async #tellInterrupted(journal: FollowedJournal): Promise<void> {
    const tell = journal.takeInterrupted()
    await this.#housekeeping
    await this.#saveAndRelease()
    tell()
  }

  async #remove(journal: FollowedJournal): Promise<void> {
    // The checkpoint must say that nothing is open any more before the last segment, the witness of the time, is gone.
    await this.#housekeeping
    if (!(await this.#saveAndRelease())) return
    await journal.close()
    await this.#reader.remove(journal.name)
    this.#journals.delete(journal.name)
  }

  /** Every second, beside the reading: the checkpoint, the segments that it frees, and the size of what is left. */
  #keepHouse(): void {
    const now = this.#options.clock.monotonic()
    if (this.#housekeeping !== null || now - this.#housekeepingAt < housekeepingMs) return
    this.#housekeepingAt = now
    this.#housekeeping = (async () => {
      await this.#saveAndRelease()
      this.#journalBytes = await this.#reader.bytesOnDisk()
    })()
      .catch((error: unknown) => this.#tellCheckpointFailure(error))
      .finally(() => {
        this.#housekeeping = null
      })
  }

  async #saveAndRelease(): Promise<boolean> {
    const snapshots = [...this.#journals.values()].map((journal) => ({
      journal,
      freeUntil: journal.freeUntil,
      ...journal.checkpoint(),
    }))
    try {
      await this.#checkpoint.write(new Map(snapshots.map(({ journal, state }) => [journal.name, state])))
    } catch (error) {
      this.#tellCheckpointFailure(error)
      // A full disk must not keep itself full: what is stored may go, but for segments that alone know an open call.
      for (const { journal, freeUntil } of snapshots) {
        await this.#reader.release(journal.name, freeUntil, (segment) => journal.isNeeded(segment))
      }
      return false
    }
    this.#checkpointFails = false
    for (const { journal, freeUntil, onSaved } of snapshots) {
      onSaved()
      await this.#reader.release(journal.name, freeUntil, (segment) => journal.isOwed(segment))
    }
    return true
  }

  #tellCheckpointFailure(error: unknown): void {
    if (this.#checkpointFails) return
    this.#checkpointFails = true
    const reason = error instanceof Error ? error.message : 'unknown'
    this.#options.logger.error('checkpoint_failed', 'The checkpoint can not be written; it is tried again', { reason })
  }

  #settleDrainers(hasMoved: boolean): void {
    if (this.#drainers.length === 0) return
    this.#writer.flush()
    if (hasMoved || this.#writer.rows > 0 || this.#aside.size > 0) return
    if ([...this.#journals.values()].some((journal) => journal.isBehind || journal.hasInterruptedToTell)) return
    const done = this.#drainers.filter((drainer) => drainer.fromPass <= this.#pass)
    this.#drainers = this.#drainers.filter((drainer) => drainer.fromPass > this.#pass)
    for (const drainer of done) drainer.resolve()
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isAwake || this.#isStopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeUp = () => {}
  }
}

import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { JournalState } from '../core/signals.ts'
import { maxPayloadBytes, segmentFileName, segmentOfFileName } from './frame.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { GroupSync, powerCutWindowMs } from './group-sync.ts'
import { type JournalFiles, journalFiles } from './journal-files.ts'

/** One worker's append-only record of what it did. Everything on it is synchronous but `close`. */
export interface Journal {
  /**
   * Appends one record (JSON text). With `now` it returns after the record, and all before it, went into the file by
   * one write: a crash of the process loses nothing of it, a power cut at most `syncIntervalMs` and one `fdatasync`
   * (docs/durability.md).
   * With `soon` the record goes with the next `now`, or when the event loop comes round: records of one turn share one
   * write. `written` is called then, once the record is in the file, or waits in memory behind a disk that refuses.
   * While the disk refuses, records wait in memory, in order; `state().healthy` is then false.
   * Returns false where the record was not taken: the backlog is full, the journal is closed, or the payload is empty
   * or over a mebibyte. The caller then sheds load.
   */
  append(payload: string, when: 'now' | 'soon', written?: () => void): boolean
  state(): JournalState
  /** Writes and syncs what is left (for at most two seconds, should the disk refuse) and closes the files. */
  close(): Promise<void>
}

export interface JournalOptions {
  /** The directory of all journals; this one is the directory `name` in it. */
  readonly root: string
  /** Unique to this writer and its life: two writers of one name would be a defect. */
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
  readonly segmentBytes?: number
  readonly syncIntervalMs?: number
  readonly maxBacklogBytes?: number
  /** Called when the disk begins to refuse and when it takes again. Must not throw. */
  readonly onStateChange?: (state: JournalState) => void
  readonly files?: JournalFiles
}

const retryMs = 250
const slowSyncPauseMs = 60_000
/** Attempts of `close` at a disk that refuses, `retryMs` apart. */
const closeAttempts = 8
/** What is to go soon goes at once when it has become so much: one write of it takes some 30 µs. */
const soonBytes = 128 * 1024

/** Opens a journal for writing, in a segment of its own. Throws where directory or file can not be made. */
export function openJournal(options: JournalOptions): Journal {
  return new SegmentedJournal(options)
}

class SegmentedJournal implements Journal {
  readonly #options: JournalOptions
  readonly #files: JournalFiles
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #maxBacklogBytes: number
  readonly #pending = new FrameBuffer()
  readonly #sync: GroupSync

  #segment: number
  #fd: number
  /** Where the next byte goes. Writing at a known place makes a write that failed half way repeatable. */
  #position = 0
  #writtenBytes = 0
  #errorsTotal = 0
  #writeFails = false
  #syncFails = false
  #wasHealthy = true
  #overflowed = false
  #rotateAfter = 0
  #immediate: NodeJS.Immediate | null = null
  #waiting: (() => void)[] = []
  #retry: NodeJS.Timeout | null = null
  #closed = false
  #longestExposureMs = 0
  #tellSlowAfter = Number.NEGATIVE_INFINITY

  constructor(options: JournalOptions) {
    this.#options = options
    this.#files = options.files ?? journalFiles
    this.#segmentBytes = options.segmentBytes ?? 16 * 1024 * 1024
    this.#maxBacklogBytes = options.maxBacklogBytes ?? 64 * 1024 * 1024
    this.#directory = path.join(options.root, options.name)
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const existing = readdirSync(this.#directory).map((name) => segmentOfFileName(name) ?? 0)
    this.#segment = Math.max(0, ...existing) + 1
    this.#fd = this.#files.create(this.#segmentPath(this.#segment))
    this.#sync = new GroupSync({
      files: this.#files,
      clock: options.clock,
      intervalMs: options.syncIntervalMs ?? 25,
      onOutcome: (error, exposedMs) => this.#synced(error, exposedMs),
    })
    this.#sync.namesChangedIn(this.#directory)
    this.#sync.namesChangedIn(options.root)
  }

  append(payload: string, when: 'now' | 'soon', written?: () => void): boolean {
    if (this.#closed || payload.length === 0 || !this.#hasRoomFor(payload.length)) return false
    if (this.#pending.add(payload, maxPayloadBytes) === 0) return false
    if (written !== undefined) this.#waiting.push(written)
    if (when === 'now' || this.#pending.bytes >= soonBytes) this.#flush()
    // Behind a disk that refuses, records wait for the retry; but not those who wait for their records.
    const isDue = this.#waiting.length > 0 || (this.#pending.bytes > 0 && !this.#writeFails)
    if (isDue && this.#immediate === null) this.#immediate = setImmediate(this.#turnEnded)
    return true
  }

  readonly #turnEnded = (): void => {
    this.#immediate = null
    this.#flush()
    this.#tellWritten()
  }

  #tellWritten(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const written of waiting) written()
  }

  state(): JournalState {
    return {
      healthy: !this.#writeFails && !this.#syncFails,
      backlogBytes: this.#pending.bytes,
      writtenBytes: this.#writtenBytes,
      errorsTotal: this.#errorsTotal,
      longestExposureMs: this.#longestExposureMs,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    if (this.#retry !== null) clearTimeout(this.#retry)
    for (let attempt = 1; !this.#flush() && attempt < closeAttempts; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
    this.#tellWritten()
    if (this.#pending.bytes > 0) {
      this.#options.logger.error('journal_backlog_lost', 'The disk took no more; the last records are lost', {
        journal: this.#options.name,
        bytes: this.#pending.bytes,
      })
    }
    await this.#sync.close(this.#fd)
  }

  #hasRoomFor(characters: number): boolean {
    // A character is at least a byte; the bound may be passed by what the last record has beyond that.
    if (this.#pending.bytes + characters <= this.#maxBacklogBytes) return true
    if (this.#flush()) return true
    if (!this.#overflowed) {
      this.#overflowed = true
      this.#options.logger.error(
        'journal_backlog_full',
        'The disk refuses and the backlog is full; records are refused',
        {
          journal: this.#options.name,
          bytes: this.#pending.bytes,
        },
      )
    }
    return false
  }

  /** Writes all that is pending. False where the disk refused some of it. */
  #flush(): boolean {
    const pending = this.#pending
    while (pending.bytes > 0) {
      let written: number
      try {
        written = this.#files.write(this.#fd, pending.buffer, pending.head, pending.bytes, this.#position)
      } catch (error) {
        this.#refused(error)
        return false
      }
      if (written <= 0) {
        this.#refused(new Error('the file took no byte'))
        return false
      }
      // A short write is continued where it ended, so what it left in the file is never torn for longer than that.
      pending.taken(written)
      this.#position += written
      this.#writtenBytes += written
      this.#sync.wrote(this.#fd)
    }
    if (this.#writeFails) this.#recovered()
    if (this.#position >= this.#segmentBytes) this.#rotate()
    return true
  }

  #refused(error: unknown): void {
    this.#errorsTotal += 1
    if (!this.#writeFails) {
      this.#writeFails = true
      this.#options.logger.error('journal_write_failed', 'The journal can not be written; records wait in memory', {
        journal: this.#options.name,
        code: codeOf(error),
      })
      this.#tellState()
    }
    if (this.#retry !== null || this.#closed) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#flush()
    }, retryMs)
    this.#retry.unref()
  }

  #recovered(): void {
    this.#writeFails = false
    this.#overflowed = false
    this.#options.logger.info('journal_recovered', 'The journal is written again', { journal: this.#options.name })
    this.#tellState()
  }

  /** Only between frames, with nothing pending. Where no new file can be made the old one goes on growing. */
  #rotate(): void {
    if (this.#closed || this.#options.clock.monotonic() < this.#rotateAfter) return
    let fd: number
    try {
      fd = this.#files.create(this.#segmentPath(this.#segment + 1))
    } catch (error) {
      this.#errorsTotal += 1
      this.#rotateAfter = this.#options.clock.monotonic() + retryMs
      this.#options.logger.warn(
        'journal_rotation_failed',
        'No new journal segment could be made; the last one is used on',
        {
          journal: this.#options.name,
          code: codeOf(error),
        },
      )
      return
    }
    this.#sync.retire(this.#fd)
    this.#sync.namesChangedIn(this.#directory)
    this.#segment += 1
    this.#fd = fd
    this.#position = 0
  }

  #synced(error: unknown, exposedMs: number): void {
    this.#longestExposureMs = Math.max(this.#longestExposureMs, exposedMs)
    if (exposedMs > powerCutWindowMs) this.#tellSlowSync(exposedMs)
    const failed = error !== null
    if (failed) this.#errorsTotal += 1
    if (failed === this.#syncFails) return
    this.#syncFails = failed
    if (failed) {
      this.#options.logger.error(
        'journal_sync_failed',
        'Written records could not be synced; a power cut may lose them',
        {
          journal: this.#options.name,
          code: codeOf(error),
        },
      )
    }
    this.#tellState()
  }

  /** Once a minute at most: a slow disk is slow at every sync. */
  #tellSlowSync(exposedMs: number): void {
    const now = this.#options.clock.monotonic()
    if (now < this.#tellSlowAfter) return
    this.#tellSlowAfter = now + slowSyncPauseMs
    this.#options.logger.warn(
      'journal_sync_slow',
      'The disk syncs slowly; a power cut could have cost more than 50 ms',
      {
        journal: this.#options.name,
        exposed_ms: Math.round(exposedMs),
      },
    )
  }

  #tellState(): void {
    const state = this.state()
    if (state.healthy === this.#wasHealthy) return
    this.#wasHealthy = state.healthy
    this.#options.onStateChange?.(state)
  }

  #segmentPath(segment: number): string {
    return path.join(this.#directory, segmentFileName(segment))
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return 'unknown'
}

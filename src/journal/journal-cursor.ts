import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../core/logger.ts'
import { isMissing } from './atomic-file.ts'
import { frameHeaderBytes, lookAtFrame, maxPayloadBytes, segmentFileName } from './frame.ts'
import type { SetAside } from './set-aside.ts'

/** A place in a journal: always the border of two records. */
export interface JournalPosition {
  readonly segment: number
  readonly offset: number
}

/** Before the first record of any journal. */
export const journalStart: JournalPosition = { segment: 0, offset: 0 }

/** Before (< 0), the same (0), after (> 0). */
export function comparePositions(a: JournalPosition, b: JournalPosition): number {
  return a.segment - b.segment || a.offset - b.offset
}

/** One record as it was appended. */
export interface JournalRecord {
  readonly journal: string
  readonly segment: number
  /** Where its frame begins and ends in the segment's file. */
  readonly start: number
  readonly end: number
  /** The bytes of the JSON text; they hold until the cursor is read again. */
  readonly payload: Buffer
}

/**
 * What a look at the file brought: records; `idle`: nothing new yet; `end`: the writer is gone and everything was read.
 */
export type CursorStep =
  | { readonly kind: 'records'; readonly records: readonly JournalRecord[] }
  | { readonly kind: 'idle' }
  | { readonly kind: 'end' }

const idle: CursorStep = { kind: 'idle' }
const end: CursorStep = { kind: 'end' }

/** A tail of a dead journal longer than this is no torn record: it is kept, not cut. */
const tornTailBytes = 64 * 1024

export interface CursorOptions {
  readonly directory: string
  readonly journal: string
  readonly from: JournalPosition
  readonly isAlive: (journal: string) => boolean
  /** The lowest segment on disk with at least this number; null where there is none. */
  readonly segmentFrom: (journal: string, atLeast: number) => Promise<number | null>
  readonly hasSegment: (journal: string, segment: number) => Promise<boolean>
  readonly setAside: SetAside
  readonly logger: Logger
  readonly onDamage: () => void
  readonly chunkBytes: number
}

/**
 * Reads one journal in order, a chunk at a time. Any number of cursors may read the same journal, each at its place.
 * Not to be read twice at once.
 */
export class JournalCursor {
  readonly #options: CursorOptions
  #segment: number
  #offset: number
  #handle: FileHandle | null = null
  #chunk: Buffer
  /** The segment at hand gets no more bytes: a later one was seen. */
  #isSealed = false
  #gapLookedForAt: number | null = null
  #asideFails = false

  constructor(options: CursorOptions) {
    this.#options = options
    this.#segment = options.from.segment
    this.#offset = options.from.offset
    this.#chunk = Buffer.allocUnsafe(options.chunkBytes)
  }

  /** The end of the last record that was read, or where reading goes on. */
  get position(): JournalPosition {
    return { segment: this.#segment, offset: this.#offset }
  }

  /** The next records; none at or behind `until`, where it is given. Rejects where a file can not be read. */
  async read(until?: JournalPosition): Promise<CursorStep> {
    for (;;) {
      // Asked before reading: a writer that is gone by now has written everything that this read can find.
      const isAlive = this.#options.isAlive(this.#options.journal)
      if (until !== undefined && comparePositions(until, this.position) <= 0) return idle
      const limit = until?.segment === this.#segment ? until.offset - this.#offset : Number.POSITIVE_INFINITY
      const handle = await this.#open()
      const { records, filled } = handle === null ? { records: [], filled: 0 } : await this.#readFrames(handle, limit)
      if (records.length > 0) return { kind: 'records', records }

      if (this.#isSealed || handle === null) {
        if (handle !== null && filled > 0) {
          const left = await this.#leaveDamage(handle)
          if (left === 'again') return idle
          if (left === 'found-more') continue
        }
        const next = await this.#options.segmentFrom(this.#options.journal, this.#segment + (handle === null ? 0 : 1))
        if (next === null) return isAlive ? idle : end
        await this.#moveTo(next)
        continue
      }
      if (await this.#hasNext(isAlive)) {
        // The writer may have completed this segment between the read and now: look once more, then move on.
        this.#isSealed = true
        continue
      }
      if (isAlive) return idle
      if (filled > 0) {
        const left = await this.#leaveTail(handle, filled)
        if (left === 'again') return idle
        if (left === 'found-more') continue
      }
      return end
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }

  async #open(): Promise<FileHandle | null> {
    if (this.#handle !== null) return this.#handle
    try {
      this.#handle = await open(path.join(this.#options.directory, segmentFileName(this.#segment)), 'r')
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    return this.#handle
  }

  /**
   * A live writer counts on by one, so that a look at one name will do. Where a reader before us freed segments behind one
   * that had to stay there is a gap, but then it is there from the beginning.
   */
  async #hasNext(isAlive: boolean): Promise<boolean> {
    const { journal, hasSegment, segmentFrom } = this.#options
    if (await hasSegment(journal, this.#segment + 1)) return true
    if (isAlive && this.#gapLookedForAt === this.#segment) return false
    this.#gapLookedForAt = this.#segment
    return (await segmentFrom(journal, this.#segment + 1)) !== null
  }

  async #moveTo(segment: number): Promise<void> {
    await this.close()
    this.#isSealed = false
    if (segment !== this.#segment) this.#offset = 0
    this.#segment = segment
  }

  /** Whole frames from here on. `filled` is how many bytes there are, looked at or not. */
  async #readFrames(handle: FileHandle, limit: number): Promise<{ records: JournalRecord[]; filled: number }> {
    for (;;) {
      const wanted = Math.min(this.#chunk.length, limit)
      const { bytesRead } = await handle.read(this.#chunk, 0, wanted, this.#offset)
      const records: JournalRecord[] = []
      let at = 0
      let look = lookAtFrame(this.#chunk, at, bytesRead)
      while (look.kind === 'whole') {
        records.push({
          journal: this.#options.journal,
          segment: this.#segment,
          start: this.#offset + at,
          end: this.#offset + look.end,
          payload: this.#chunk.subarray(at + frameHeaderBytes, look.end),
        })
        at = look.end
        look = lookAtFrame(this.#chunk, at, bytesRead)
      }
      this.#offset += at
      const isLongerThanChunk = records.length === 0 && look.kind === 'partial' && look.end > this.#chunk.length
      if (!isLongerThanChunk) return { records, filled: bytesRead - at }
      this.#chunk = Buffer.allocUnsafe(frameHeaderBytes + maxPayloadBytes)
    }
  }

  /** The end of a dead journal's last segment: a torn record is cut, anything else is damage. */
  async #leaveTail(handle: FileHandle, filled: number): Promise<'left' | 'found-more' | 'again'> {
    const look = lookAtFrame(this.#chunk, 0, filled)
    const isTorn =
      look.kind === 'partial' || look.end === filled || this.#chunk.subarray(0, filled).every((byte) => byte === 0)
    // A torn record has nothing behind it; a length that was damaged looks the same, but has.
    if (!isTorn || filled > tornTailBytes || (await this.#nextWhole(handle)) !== null) return this.#leaveDamage(handle)
    this.#options.logger.info('journal_tail_cut', 'A journal ends in a record that was never completed', {
      journal: this.#options.journal,
      bytes: filled,
    })
    return 'left'
  }

  /** Sets the damaged bytes aside and goes on behind them: they cost the records they hit and no other. */
  async #leaveDamage(handle: FileHandle): Promise<'left' | 'found-more' | 'again'> {
    const { directory, journal } = this.#options
    const find = { journal, segment: this.#segment, offset: this.#offset }
    const next = await this.#nextWhole(handle)
    try {
      const file = path.join(directory, segmentFileName(find.segment))
      const kept = await this.#options.setAside.rest({ ...find, end: next, file })
      if (kept !== 'known') {
        this.#options.onDamage()
        const what = kept === 'new' ? 'and was set aside' : 'and is lost: too much was set aside already'
        this.#options.logger.error('journal_damaged', `A part of a journal segment is damaged ${what}`, find)
      }
    } catch (error) {
      if (!this.#asideFails) {
        const reason = error instanceof Error ? error.message : 'unknown'
        this.#options.logger.error('journal_set_aside_failed', 'A damaged journal segment could not be set aside', {
          ...find,
          reason,
        })
      }
      this.#asideFails = true
      return 'again'
    }
    this.#asideFails = false
    if (next === null) return 'left'
    this.#offset = next
    return 'found-more'
  }

  /** Where the next whole frame begins behind bytes that are none; null where there is none in this segment. */
  async #nextWhole(handle: FileHandle): Promise<number | null> {
    const longest = frameHeaderBytes + maxPayloadBytes
    const window = Buffer.allocUnsafe(2 * longest)
    for (let base = this.#offset + 1; ; base += longest) {
      const { bytesRead } = await handle.read(window, 0, window.length, base)
      const isLast = bytesRead < window.length
      // JSON has no zero bytes, so that nearly every place in a text is ruled out by the length that stands there.
      for (let at = 0; at < (isLast ? bytesRead : longest); at += 1) {
        if (lookAtFrame(window, at, bytesRead).kind === 'whole') return base + at
      }
      if (isLast) return null
    }
  }
}

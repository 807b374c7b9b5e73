import type { Clock } from '../core/clock.ts'
import type { JournalFiles } from './journal-files.ts'

/** What a power cut may cost; the interval of the config leaves the rest of it to the event loop and the disk. */
export const powerCutWindowMs = 50

/**
 * `fdatasync` for groups of writes: it begins at most `intervalMs` after the first write it covers, and never runs
 * twice at once. So a power cut costs what was written within `intervalMs` (or within a running sync, where that takes
 * longer) and within the sync itself. With 25 ms, and a disk that syncs in 25 ms, that is 50 ms: `powerCutWindowMs`. It
 * also owns the files that were left behind by rotation, until they are safe.
 */
export class GroupSync {
  readonly #files: JournalFiles
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #onOutcome: (error: unknown, exposedMs: number) => void
  #dirtyFd: number | null = null
  /** When the first write that no sync covers was made, whichever file has it; a change of segments makes it no younger. */
  #unsyncedSince: number | null = null
  #retired: number[] = []
  #directories = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #closed = false

  /** `onOutcome` is told null or the error after each sync, and how long the first write it covers had to wait for it. */
  constructor(options: {
    files: JournalFiles
    clock: Clock
    intervalMs: number
    onOutcome: (error: unknown, exposedMs: number) => void
  }) {
    this.#files = options.files
    this.#clock = options.clock
    this.#intervalMs = options.intervalMs
    this.#onOutcome = options.onOutcome
  }

  /** Bytes went into the file. On the hot path: one comparison where a sync is already due. */
  wrote(fd: number): void {
    if (this.#dirtyFd !== null) return
    this.#dirtyFd = fd
    this.#unsyncedSince ??= this.#clock.monotonic()
    this.#schedule()
  }

  /** The file gets no more bytes: sync it once more, then close it. */
  retire(fd: number): void {
    this.#retired.push(fd)
    if (this.#dirtyFd === fd) this.#dirtyFd = null
    this.#schedule()
  }

  namesChangedIn(directory: string): void {
    this.#directories.add(directory)
    this.#schedule()
  }

  async close(fd: number): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
    this.retire(fd)
    await this.#sync()
  }

  #schedule(): void {
    if (this.#timer !== null || this.#running !== null || this.#closed) return
    const age = this.#unsyncedSince === null ? 0 : this.#clock.monotonic() - this.#unsyncedSince
    // What is due already (it was written while the last sync ran) does not wait for a timer, whose least is a millisecond.
    if (age >= this.#intervalMs) return this.#begin()
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#begin()
    }, this.#intervalMs - age)
    this.#timer.unref()
  }

  #begin(): void {
    this.#running = this.#sync().finally(() => {
      this.#running = null
      if (this.#dirtyFd !== null || this.#retired.length > 0) this.#schedule()
    })
  }

  async #sync(): Promise<void> {
    const [fd, retired, directories, since] = [this.#dirtyFd, this.#retired, this.#directories, this.#unsyncedSince]
    // Reset before the call: a write during the sync may not be covered by it.
    this.#dirtyFd = null
    this.#unsyncedSince = null
    this.#retired = []
    this.#directories = new Set()
    let failure: unknown = null
    const attempt = async (work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        failure = error
      }
    }
    // At once, not one after the other: a change of segments must not make the window three syncs long.
    await Promise.all([
      ...[...directories].map((directory) => attempt(() => this.#files.syncDirectory(directory))),
      ...retired.map(async (old) => {
        await attempt(() => this.#files.sync(old))
        // A failed sync is not tried again: the kernel has then marked the pages clean and would report success.
        await attempt(async () => this.#files.close(old))
      }),
      ...(fd === null ? [] : [attempt(() => this.#files.sync(fd))]),
    ])
    this.#onOutcome(failure, since === null ? 0 : this.#clock.monotonic() - since)
  }
}

import type { Logger } from '../core/logger.ts'
import type { SetAside } from '../journal/index.ts'

/** Whether a record that can not be stored is on disk by now; `later`: it will be, and `onKept` is told then. */
export type Kept = 'now' | 'later'

export interface AsideQueueOptions {
  readonly setAside: SetAside
  readonly logger: Logger
  /** How long after a refusal it is tried again. */
  readonly retryMs?: number
  /** Memory for records that wait for the disk, in characters of JSON. */
  readonly maxCharacters?: number
}

interface Waiting {
  /** Null where memory is full: the record stays in the journal, and the next life of the recorder finds it there. */
  readonly line: Readonly<Record<string, unknown>> | null
  readonly characters: number
  readonly onKept: () => void
}

/**
 * Records on their way to the files of what was set aside, in order. Where the disk refuses, they wait here and are tried
 * again for ever, and their journal is not let go of: `onKept` is called once they are on disk, never before.
 */
export class AsideQueue {
  readonly #options: AsideQueueOptions
  #waiting: Waiting[] = []
  #characters = 0
  #timer: NodeJS.Timeout | null = null
  #isStopped = false
  #work: Promise<void> = Promise.resolve()

  constructor(options: AsideQueueOptions) {
    this.#options = options
  }

  /** Records that wait for the disk. */
  get size(): number {
    return this.#waiting.length
  }

  async add(line: Readonly<Record<string, unknown>>, onKept: () => void): Promise<Kept> {
    if (this.#waiting.length === 0 && (await this.#write(line))) return 'now'
    const characters = JSON.stringify(line).length
    const fits = this.#characters + characters <= (this.#options.maxCharacters ?? 16 * 1024 * 1024)
    this.#waiting.push({ line: fits ? line : null, characters: fits ? characters : 0, onKept })
    if (fits) this.#characters += characters
    this.#later()
    return 'later'
  }

  /** What still waits stays in the journal. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#work
  }

  #later(): void {
    if (this.#timer !== null || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#work = this.#tryAll().finally(() => {
        this.#timer = null
        if (this.#waiting.some(({ line }) => line !== null)) this.#later()
      })
    }, this.#options.retryMs ?? 1_000)
    this.#timer.unref()
  }

  async #tryAll(): Promise<void> {
    const left: Waiting[] = []
    let refused = false
    const all = this.#waiting
    // New ones that come meanwhile stand behind: the list is only replaced when all of it was looked at.
    for (let index = 0; index < all.length; index += 1) {
      const one = all[index]
      if (one === undefined) continue
      refused ||= this.#isStopped
      if (one.line === null || refused || !(await this.#write(one.line))) {
        refused ||= one.line !== null
        left.push(one)
        continue
      }
      this.#characters -= one.characters
      one.onKept()
    }
    this.#waiting = left
    if (!refused) this.#options.logger.info('set_aside_recovered', 'Records that can not be stored are set aside again')
  }

  async #write(line: Readonly<Record<string, unknown>>): Promise<boolean> {
    try {
      await this.#options.setAside.line(line)
      return true
    } catch (error) {
      if (this.#waiting.length === 0) {
        const reason = error instanceof Error ? error.message : 'unknown'
        this.#options.logger.error(
          'journal_set_aside_failed',
          'A record that can not be stored can not be set aside either; it stays in the journal and is tried again',
          { reason },
        )
      }
      return false
    }
  }
}

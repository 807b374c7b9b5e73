/** Thrown by a target that will never take a line again, such as a pipe whose reader has gone. */
export class TargetGone extends Error {}

/** Where a sink writes. All calls come one after the other. */
export interface LogTarget {
  /** Writes some of it and says how many bytes; rejects when none could be written. */
  write(chunk: Buffer): Promise<number>
  /** True when lines now go to another file than the last call's. Called before each batch. */
  renew(asked: boolean): Promise<boolean>
  close(): Promise<void>
}

export interface LogSinkState {
  readonly healthy: boolean
  readonly queuedBytes: number
  readonly droppedLines: number
  readonly writeErrors: number
}

export interface LogSinkLimits {
  readonly queueBytes?: number
  readonly batchBytes?: number
  /** Lines are gathered this long, so that a busy second makes fifty writes and not ten thousand. */
  readonly gatherMs?: number
  readonly retryMs?: number
}

const lineFeed = 0x0a

/**
 * A bounded queue of lines before one target. It never blocks and never throws: a full queue drops the newest lines and
 * counts them; a target that fails is tried again with the same bytes, from where it stopped.
 */
export class LogSink {
  readonly #target: LogTarget
  readonly #queueLimit: number
  readonly #batchLimit: number
  readonly #gatherMs: number
  readonly #retryMs: number
  #lines: string[] = []
  #queuedBytes = 0
  #batch: { readonly bytes: Buffer; readonly lines: number; sent: number } | undefined
  #pumping: Promise<void> | undefined
  #wake: (() => void) | undefined
  #renewAsked = false
  #closing = false
  #gone = false
  #healthy = true
  #dropped = 0
  #errors = 0

  constructor(target: LogTarget, limits: LogSinkLimits = {}) {
    this.#target = target
    this.#queueLimit = limits.queueBytes ?? 16 * 1024 * 1024
    this.#batchLimit = limits.batchBytes ?? 256 * 1024
    this.#gatherMs = limits.gatherMs ?? 20
    this.#retryMs = limits.retryMs ?? 1000
  }

  push(line: string): void {
    const size = Buffer.byteLength(line)
    if (this.#gone || this.#closing || this.#queuedBytes + size > this.#queueLimit) {
      this.#dropped += 1
      // Until the reader takes something again: a reader that only hangs makes no error.
      this.#healthy = false
      return
    }
    this.#lines.push(line)
    this.#queuedBytes += size
    this.#start()
  }

  /** The file was rotated: the next lines go to a new one. */
  reopen(): void {
    this.#renewAsked = true
    this.#start()
    this.#wake?.()
  }

  state(): LogSinkState {
    return {
      healthy: this.#healthy && !this.#gone,
      queuedBytes: this.#queuedBytes,
      droppedLines: this.#dropped,
      writeErrors: this.#errors,
    }
  }

  /** Writes what is queued, for at most `deadlineMs`; what is left then is counted as dropped. */
  async close(deadlineMs = 2000): Promise<void> {
    this.#closing = true
    this.#wake?.()
    const deadline = pause(deadlineMs)
    const drained = await Promise.race([
      (this.#pumping ?? Promise.resolve()).then(() => true),
      deadline.done.then(() => false),
    ])
    deadline.end()
    if (!drained) this.#abandon()
    // Closing waits for a write under way, which may be the one that hangs.
    const closing = this.#target.close().catch(() => {})
    const patience = pause(deadlineMs)
    await Promise.race([closing, patience.done])
    patience.end()
  }

  #start(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined
      if (this.#hasWork()) this.#start()
    })
  }

  async #pump(): Promise<void> {
    while (this.#hasWork()) {
      try {
        if (this.#gathers()) await this.#rest(this.#gatherMs)
        await this.#renew()
        await this.#writeSome()
        this.#healthy = true
      } catch (error) {
        this.#errors += 1
        this.#healthy = false
        if (error instanceof TargetGone) this.#abandon()
        // A failing target must not keep a process alive that is done otherwise.
        else await this.#rest(this.#closing ? Math.min(50, this.#retryMs) : this.#retryMs, { keepAlive: false })
      }
    }
  }

  #gathers(): boolean {
    return !this.#closing && !this.#renewAsked && this.#batch === undefined && this.#queuedBytes < this.#batchLimit
  }

  #hasWork(): boolean {
    return !this.#gone && (this.#lines.length > 0 || this.#batch !== undefined || this.#renewAsked)
  }

  async #renew(): Promise<void> {
    const asked = this.#renewAsked
    this.#renewAsked = false
    // A new file that can not be opened must not stop the old one from being written; the target looks again by itself.
    const changed = await this.#target.renew(asked).catch(() => {
      this.#errors += 1
      return false
    })
    // A line that the old file got half of goes whole into the new one.
    if (changed && this.#batch !== undefined && this.#batch.sent > 0)
      this.#batch.sent = this.#batch.bytes.lastIndexOf(lineFeed, this.#batch.sent - 1) + 1
  }

  async #writeSome(): Promise<void> {
    this.#batch ??= this.#nextBatch()
    const batch = this.#batch
    if (batch === undefined) return
    batch.sent += await this.#target.write(batch.bytes.subarray(batch.sent))
    if (batch.sent < batch.bytes.length || this.#batch !== batch) return
    this.#queuedBytes -= batch.bytes.length
    this.#batch = undefined
  }

  #nextBatch(): { readonly bytes: Buffer; readonly lines: number; sent: number } | undefined {
    if (this.#lines.length === 0) return undefined
    let length = 0
    let count = 0
    for (const line of this.#lines) {
      if (count > 0 && length + line.length > this.#batchLimit) break
      length += line.length
      count += 1
    }
    const taken = count === this.#lines.length ? this.#lines : this.#lines.slice(0, count)
    this.#lines = count === this.#lines.length ? [] : this.#lines.slice(count)
    return { bytes: Buffer.from(taken.join('')), lines: count, sent: 0 }
  }

  #abandon(): void {
    this.#gone = true
    this.#dropped += this.#lines.length + (this.#batch?.lines ?? 0)
    this.#lines = []
    this.#batch = undefined
    this.#queuedBytes = 0
    this.#wake?.()
  }

  async #rest(ms: number, options?: { keepAlive: boolean }): Promise<void> {
    const rest = pause(ms, options)
    this.#wake = rest.end
    await rest.done
    this.#wake = undefined
  }
}

/** A wait that can be ended early. */
function pause(ms: number, options = { keepAlive: true }): { readonly done: Promise<void>; end(): void } {
  let end = (): void => {}
  const done = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    if (!options.keepAlive) timer.unref()
    end = () => {
      clearTimeout(timer)
      resolve()
    }
  })
  return { done, end }
}

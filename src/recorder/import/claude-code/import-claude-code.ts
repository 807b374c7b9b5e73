import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import type { PriceBook } from '../../../core/pricing.ts'
import { type ImportCounts, type ImportLedger, ImportWriter } from '../import-counts.ts'
import { readLines } from '../read-lines.ts'
import { messageKey, PartMerger, type TranscriptMessage } from './merge-parts.ts'
import { toExchange } from './to-exchange.ts'
import { findTranscripts, projectName, type TranscriptFile } from './transcript-files.ts'
import { parseTranscriptLine, type SkippedLine, workingDirectoryOf } from './transcript-line.ts'

export interface ImportClaudeCodeOptions {
  /** The directory that has `projects/` in it, or any directory of transcripts. */
  readonly directory: string
  readonly ledger: ImportLedger
  readonly priceBook: PriceBook
  readonly clock: Clock
  /** The domain of every row; by default each project is a domain of its own. */
  readonly domain?: string | undefined
  /** Once aborted, the import ends after the batch under way by throwing the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
}

/** What an import found and did. */
export interface ClaudeCodeImport extends ImportCounts {
  readonly files: number
  readonly bytes: number
  /** Messages with usage, each counted once however often it is written down. */
  readonly messages: number
  /** Messages that another file had as well. */
  readonly repeated: number
  /** Lines that tell of no call, by reason, and calls that are not over yet. */
  readonly skipped: Readonly<Record<SkippedLine | 'unfinished', number>>
  readonly brokenLines: number
  readonly tooLongLines: number
  readonly links: number
  /** Files and folders that could not be read, the first of them; `unreadableTotal` counts them all. */
  readonly unreadable: readonly string[]
  readonly unreadableTotal: number
  /** Why the ledger refused rows. */
  readonly rejectedReasons: readonly string[]
}

/** A line with an assistant's message has some hundred kilobytes at most; pictures stand in other lines. */
const maxLineBytes = 16 * 1024 * 1024
/** A message without an end that is younger than this may still be written. */
const unfinishedMs = 10 * 60_000
/** Messages remembered to tell the copies of forked conversations; beyond it the ledger itself tells them. */
const seenLimit = 1_000_000
const unreadableShown = 5
/** Lines asked for the directory of the project; a conversation begins in it. */
const namingLines = 50

/**
 * Reads Claude Code's transcripts into the ledger: ids, models, counts and times of the calls, nothing of what was said.
 * May be interrupted and run again at any time, as a call is the same row every time. Memory does not grow with files.
 */
export async function importClaudeCode(options: ImportClaudeCodeOptions): Promise<ClaudeCodeImport> {
  const { files, unreadable, links } = await findTranscripts(options.directory)
  const run = new Run(options, files)
  for (const file of files) await run.importFile(file)
  await run.writer.flush()
  return run.report(links, unreadable)
}

class Run {
  readonly writer: ImportWriter
  readonly #options: ImportClaudeCodeOptions
  readonly #files: readonly TranscriptFile[]
  readonly #totalBytes: number
  readonly #seen = new Set<string>()
  readonly #skipped = { synthetic: 0, api_error: 0, no_usage: 0, no_id: 0, no_time: 0, unfinished: 0 }
  readonly #unreadable: string[] = []
  #bytes = 0
  #messages = 0
  #repeated = 0
  #brokenLines = 0
  #tooLongLines = 0

  constructor(options: ImportClaudeCodeOptions, files: readonly TranscriptFile[]) {
    this.#options = options
    this.#files = files
    this.#totalBytes = files.reduce((sum, file) => sum + file.bytes, 0)
    this.writer = new ImportWriter(options.ledger)
  }

  async importFile(file: TranscriptFile): Promise<void> {
    const handle = await open(file.path).catch(() => null)
    if (handle === null) {
      this.#unreadable.push(path.basename(file.path))
      return
    }
    try {
      await this.#importLines(file, handle)
    } finally {
      await handle.close()
    }
  }

  async #importLines(file: TranscriptFile, handle: Parameters<typeof readLines>[0]): Promise<void> {
    const merger = new PartMerger()
    const agentOfFile = /^agent-([\w-]{1,100})\.jsonl$/.exec(path.basename(file.path))?.[1] ?? null
    let name = this.#options.domain ?? null
    const lines = readLines(handle, {
      maxLineBytes,
      onBytes: (bytes) => {
        this.#bytes += bytes
        this.#options.onProgress?.(this.#bytes, this.#totalBytes)
      },
      onTooLong: () => {
        this.#tooLongLines += 1
      },
    })
    const readSafely = guarded(lines, () => this.#unreadable.push(path.basename(file.path)))
    let lineNumber = 0
    for await (const line of readSafely) {
      this.#options.signal?.throwIfAborted()
      lineNumber += 1
      if (lineNumber <= namingLines) name ??= projectName(file.projectFolder, workingDirectoryOf(line))
      const read = parseTranscriptLine(line, this.#options.clock.now())
      if (read.kind === 'broken') this.#brokenLines += 1
      else if (read.kind === 'skipped') this.#skipped[read.reason] += 1
      else if (read.kind === 'part') {
        const part = read.agentId === null ? { ...read, agentId: agentOfFile } : read
        for (const message of merger.add(part)) await this.#importMessage(message, name ?? file.projectFolder)
      }
    }
    for (const message of merger.rest()) await this.#importMessage(message, name ?? file.projectFolder)
  }

  async #importMessage(message: TranscriptMessage, domain: string): Promise<void> {
    this.#options.signal?.throwIfAborted()
    if (message.stopReason === null && message.lastAt > this.#options.clock.now() - unfinishedMs) {
      this.#skipped.unfinished += 1
      return
    }
    const exchange = toExchange(message, domain, this.#options.priceBook)
    if (exchange === null) {
      this.#skipped.no_usage += 1
      return
    }
    if (this.#hasSeen(message)) {
      this.#repeated += 1
      return
    }
    this.#messages += 1
    await this.writer.add(exchange)
  }

  #hasSeen(message: TranscriptMessage): boolean {
    // Twelve bytes of a digest as Latin-1: some fifty bytes of memory a message, and no two alike by chance.
    const key = createHash('sha256').update(messageKey(message)).digest().toString('latin1', 0, 12)
    if (this.#seen.has(key)) return true
    if (this.#seen.size < seenLimit) this.#seen.add(key)
    return false
  }

  report(links: number, unreadableFolders: readonly string[]): ClaudeCodeImport {
    const unreadable = [...unreadableFolders, ...this.#unreadable]
    return {
      ...this.writer.counts,
      files: this.#files.length,
      bytes: this.#bytes,
      messages: this.#messages,
      repeated: this.#repeated,
      skipped: { ...this.#skipped },
      brokenLines: this.#brokenLines,
      tooLongLines: this.#tooLongLines,
      links,
      unreadable: unreadable.slice(0, unreadableShown),
      unreadableTotal: unreadable.length,
      rejectedReasons: [...this.writer.reasons],
    }
  }
}

/** A file that breaks off (a disk that fails, a network drive that leaves) is one file less, not the end of the import. */
async function* guarded(lines: AsyncGenerator<Buffer>, onFailure: () => void): AsyncGenerator<Buffer> {
  for (;;) {
    const next = await lines.next().catch(() => null)
    if (next === null) onFailure()
    if (next === null || next.done === true) return
    yield next.value
  }
}

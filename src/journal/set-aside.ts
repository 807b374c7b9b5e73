import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../core/logger.ts'
import { isMissing, syncDirectory } from './atomic-file.ts'

/** A place for what can not be stored: nothing that was journalled is thrown away without a trace. */
export interface SetAside {
  /**
   * Appends one line of JSON to `rejected.jsonl` (0600) and syncs it. At its bound the file becomes
   * `rejected.<number>.jsonl` and a new one begins; of these the oldest goes when there are too many, which `onLost` hears.
   * Rejects where the disk refuses: the record must then stay in the journal.
   */
  line(value: Readonly<Record<string, unknown>>): Promise<void>
  /**
   * Copies the damaged bytes of a segment, from `offset` to `end` (or the file's end), to a file named after them. `known`:
   * it was set aside before (a replay). `no-room`: there are too many already. Rejects where the disk refuses.
   */
  rest(find: DamagedBytes): Promise<'new' | 'known' | 'no-room'>
}

export interface DamagedBytes {
  readonly journal: string
  readonly segment: number
  readonly offset: number
  readonly end: number | null
  readonly file: string
}

/** Names of the files of rejected records, before the one that is written to now. */
export const rejectedFile = 'rejected.jsonl'
const rotated = /^rejected\.(\d+)\.jsonl$/

const maxRestFiles = 100

/** Keeps what is set aside in `directory`, which is made when it is first needed. */
export function createSetAside(options: {
  directory: string
  logger: Logger
  maxFileBytes?: number
  maxFiles?: number
  /** A file of records was deleted, because there were too many. */
  onLost?: () => void
}): SetAside {
  const { directory } = options
  const maxFileBytes = options.maxFileBytes ?? 32 * 1024 * 1024
  const maxFiles = options.maxFiles ?? 32
  const lines = path.join(directory, rejectedFile)

  const rotate = async (): Promise<void> => {
    const numbers = (await readdir(directory))
      .flatMap((name) => Number(rotated.exec(name)?.[1] ?? Number.NaN))
      .filter((number) => !Number.isNaN(number))
      .sort((a, b) => a - b)
    await rename(lines, path.join(directory, `rejected.${(numbers.at(-1) ?? 0) + 1}.jsonl`))
    for (const number of numbers.slice(0, Math.max(0, numbers.length + 2 - maxFiles))) {
      await rm(path.join(directory, `rejected.${number}.jsonl`))
      options.onLost?.()
      options.logger.error('set_aside_deleted', 'Too many records were set aside; the oldest file of them is deleted', {
        number,
      })
    }
  }

  const append = async (text: string): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const size = await sizeOf(lines)
    if (size >= maxFileBytes) await rotate()
    await appendSynced(lines, text)
    if (size === 0 || size >= maxFileBytes) await syncDirectory(directory)
  }
  /** One after the other: a line that fails is cut off again, and must not take another one with it. */
  let turn: Promise<unknown> = Promise.resolve()

  return {
    line(value) {
      const mine = turn.then(() => append(`${JSON.stringify(value)}\n`))
      turn = mine.catch(() => undefined)
      return mine
    },

    async rest({ journal, segment, offset, end, file }) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const known = (await readdir(directory)).filter((name) => name.endsWith('.raw'))
      const name = `${journal}-${segment}-${offset}.raw`
      if (known.includes(name)) return 'known'
      if (known.length >= maxRestFiles) return 'no-room'
      const copy = path.join(directory, name)
      await copyRange(file, offset, end ?? Number.POSITIVE_INFINITY, `${copy}.new`)
      await rename(`${copy}.new`, copy)
      await syncDirectory(directory)
      return 'new'
    },
  }
}

/** All of the text or nothing of it: half a line would spoil the next one. */
async function appendSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600)
  try {
    const { size } = await handle.stat()
    try {
      await handle.appendFile(text)
      await handle.datasync()
    } catch (error) {
      await handle.truncate(size)
      throw error
    }
  } finally {
    await handle.close()
  }
}

async function copyRange(file: string, from: number, to: number, target: string): Promise<void> {
  const source = await open(file, 'r')
  try {
    const copy = await open(target, 'w', 0o600)
    try {
      const chunk = Buffer.allocUnsafe(256 * 1024)
      for (let position = from; position < to; ) {
        const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, to - position), position)
        if (bytesRead === 0) break
        await copy.writeFile(chunk.subarray(0, bytesRead))
        position += bytesRead
      }
      await copy.datasync()
    } finally {
      await copy.close()
    }
  } catch (error) {
    await rm(target, { force: true })
    throw error
  } finally {
    await source.close()
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

import { readdir, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../core/logger.ts'
import { isMissing } from './atomic-file.ts'
import { segmentFileName, segmentOfFileName } from './frame.ts'
import { JournalCursor, type JournalPosition } from './journal-cursor.ts'
import type { SetAside } from './set-aside.ts'

/** Finds and reads the journals under a root, and frees what was stored. */
export interface JournalReader {
  /** Names of the journals on disk, sorted. */
  discover(): Promise<readonly string[]>
  /** Reads a journal from a place on; the caller closes it. */
  cursor(journal: string, from: JournalPosition): JournalCursor
  /** Bytes of all segments on disk. */
  bytesOnDisk(): Promise<number>
  /** When the last segment was written to last, in epoch milliseconds; null where there is none. */
  lastWriteAt(journal: string): Promise<number | null>
  /** Deletes the segments before `segment`, oldest first, but those that `mustKeep`. */
  release(journal: string, segment: number, mustKeep?: (segment: number) => boolean): Promise<void>
  /** Deletes a dead journal: its segments, oldest first, then its directory. */
  remove(journal: string): Promise<void>
  /** Damaged rests set aside so far. */
  damagedTotal(): number
}

/**
 * `isAlive` says whether the writer of a journal may still append; once false for a name it must stay so. What a live
 * writer has not completed is "not yet there", at a dead one it is a torn tail.
 */
export function createJournalReader(options: {
  root: string
  isAlive: (journal: string) => boolean
  setAside: SetAside
  logger: Logger
  /** Bytes read at once, and so the bound of a cursor's memory (a longer record makes it a mebibyte). */
  chunkBytes?: number
}): JournalReader {
  const { root, isAlive, setAside, logger } = options
  let damaged = 0

  const segmentsOf = async (journal: string): Promise<number[]> => {
    const names = await missingIsEmpty(() => readdir(path.join(root, journal)))
    return names.flatMap((name) => segmentOfFileName(name) ?? []).sort((a, b) => a - b)
  }

  const exists = async (journal: string, segment: number): Promise<boolean> => {
    return (await statOrNull(path.join(root, journal, segmentFileName(segment)))) !== null
  }

  return {
    async discover() {
      const entries = await missingIsEmpty(() => readdir(root, { withFileTypes: true }))
      return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort()
    },

    cursor: (journal, from) =>
      new JournalCursor({
        directory: path.join(root, journal),
        journal,
        from,
        isAlive,
        hasSegment: exists,
        segmentFrom: async (name, atLeast) => (await segmentsOf(name)).find((one) => one >= atLeast) ?? null,
        setAside,
        logger,
        onDamage: () => {
          damaged += 1
        },
        chunkBytes: options.chunkBytes ?? 256 * 1024,
      }),

    async bytesOnDisk() {
      let bytes = 0
      for (const journal of await this.discover()) {
        for (const segment of await segmentsOf(journal)) {
          bytes += (await statOrNull(path.join(root, journal, segmentFileName(segment))))?.size ?? 0
        }
      }
      return bytes
    },

    async lastWriteAt(journal) {
      const last = (await segmentsOf(journal)).at(-1)
      if (last === undefined) return null
      const found = await statOrNull(path.join(root, journal, segmentFileName(last)))
      return found === null ? null : Math.floor(found.mtimeMs)
    },

    async release(journal, segment, mustKeep = () => false) {
      for (const one of await segmentsOf(journal)) {
        if (one < segment && !mustKeep(one)) await rm(path.join(root, journal, segmentFileName(one)), { force: true })
      }
    },

    async remove(journal) {
      await this.release(journal, Number.POSITIVE_INFINITY)
      try {
        await rmdir(path.join(root, journal))
      } catch (error) {
        // Something of somebody else's lies in there: it is not ours to delete, and an empty journal does no harm.
        if (!isMissing(error))
          logger.warn('journal_not_removed', 'The directory of a finished journal is not empty', { journal })
      }
    },

    damagedTotal: () => damaged,
  }
}

async function missingIsEmpty<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function statOrNull(file: string): Promise<{ size: number; mtimeMs: number } | null> {
  try {
    return await stat(file)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

import path from 'node:path'
import { z } from 'zod'
import type { ExchangeOpened } from '../core/exchange.ts'
import type { Logger } from '../core/logger.ts'
import { type JournalPosition, readTextFile, writeFileAtomically } from '../journal/index.ts'
import { parseExchange } from './parse-exchange.ts'

/** How far one journal is stored, and what later records of it still need. */
export interface JournalCheckpoint {
  /** Everything before it is in the ledger, or set aside. */
  readonly stored: JournalPosition
  /** Everything before it was told to the observers. */
  readonly told: JournalPosition
  /** True once the observers were told of the calls that this dead journal left open. */
  readonly interruptedTold: boolean
  /** Calls opened before `stored` whose end is not stored: their segments may be gone. */
  readonly opened: readonly ExchangeOpened[]
}

/** By journal: up to where all is stored. */
export type Checkpoint = ReadonlyMap<string, JournalCheckpoint>

/** The file in the journals' directory that a new life of the recorder begins with. */
export interface CheckpointFile {
  read(): Promise<Checkpoint>
  /** Replaces the file; after a crash there is the old one or the new one. Rejects where the disk refuses. */
  write(checkpoint: Checkpoint): Promise<void>
}

const position = z.object({ segment: z.int().min(0), offset: z.int().min(0) })

const fileSchema = z.object({
  version: z.literal(1),
  journals: z.record(
    z.string(),
    z.object({ stored: position, told: position, interruptedTold: z.boolean(), opened: z.array(z.unknown()) }),
  ),
})

/** Kept in the directory of the journals, and replaced whole. */
export function checkpointFile(options: { directory: string; logger: Logger }): CheckpointFile {
  const file = path.join(options.directory, 'checkpoint.json')
  let onDisk: string | null = null
  return {
    async read() {
      const text = await readTextFile(file)
      if (text === null) return new Map()
      const parsed = fileSchema.safeParse(jsonOrNull(text))
      if (!parsed.success) {
        // Starting over is safe (the ledger knows what it has), only slow; observers are told nothing twice, because
        // journals found at the start are not new to them.
        options.logger.error('checkpoint_unreadable', 'The checkpoint can not be read; all journals are read again', {
          file,
        })
        return new Map()
      }
      return new Map(
        Object.entries(parsed.data.journals).map(([name, journal]) => [
          name,
          { ...journal, opened: journal.opened.flatMap((record) => openedOf(record)) },
        ]),
      )
    },

    async write(checkpoint) {
      const text = JSON.stringify({ version: 1, journals: Object.fromEntries(checkpoint) })
      if (text === onDisk) return
      onDisk = null
      await writeFileAtomically(file, text)
      onDisk = text
    },
  }
}

function openedOf(record: unknown): ExchangeOpened[] {
  const exchange = parseExchange(JSON.stringify(record))
  return exchange.kind === 'opened' ? [exchange] : []
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import { z } from 'zod'

/** Settings of the journal, the files an exchange is written to before anything else. */
export const journalConfigSchema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('Where the journals of the gateway workers live; without it, `journal` in the data directory.'),
  segmentBytes: z
    .int()
    .min(4_096)
    .max(1024 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('A journal file is followed by the next one at this size; whole files are freed once they are stored.'),
  syncIntervalMs: z
    .int()
    .min(1)
    .max(10_000)
    .default(25)
    .describe(
      'Longest time between a write and the start of its `fdatasync`. A power cut costs at most this and one `fdatasync`: with a disk that syncs in 25 ms, 50 ms. A crash costs nothing.',
    ),
  maxBacklogBytes: z
    .int()
    .min(64 * 1024)
    .max(1024 * 1024 * 1024)
    .default(64 * 1024 * 1024)
    .describe('Records kept in memory while the disk refuses them; beyond it new calls are refused with 529.'),
})

export type JournalConfig = z.infer<typeof journalConfigSchema>

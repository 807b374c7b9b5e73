import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../core/clock.ts'

const keptMs = 30_000
// A folder of logs holds dozens of files; a folder of thousands is not one, and asking for each would slow the scrape.
const mostFiles = 1000

/** Bytes of the files in the folder of a log file (not below it), asked for at most every 30 s; 0 while there is none. */
export function logDirectorySize(logFile: string, clock: Clock): () => Promise<number> {
  const directory = path.dirname(logFile)
  let measured: { readonly at: number; readonly bytes: number } | undefined
  return async () => {
    const now = clock.monotonic()
    if (measured !== undefined && now - measured.at < keptMs) return measured.bytes
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile()).slice(0, mostFiles)
    const sizes = await Promise.all(
      files.map(({ name }) =>
        stat(path.join(directory, name)).then(
          (stats) => stats.size,
          // Rotated away between the two calls.
          () => 0,
        ),
      ),
    )
    measured = { at: now, bytes: sizes.reduce((sum, size) => sum + size, 0) }
    return measured.bytes
  }
}

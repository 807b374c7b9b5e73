import { appendFile, mkdir, open, readdir, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../core/logger.ts'
import { isMissing } from './atomic-file.ts'

/** A place for what can not be stored: nothing that was journalled is thrown away without a trace. */
export interface SetAside {
  /**
   * Appends one line of JSON to `rejected.jsonl` (0600). At its bound the file becomes `rejected.1.jsonl` and a new one
   * begins. Never rejects: where the disk refuses, the line is lost and that is logged.
   */
  line(value: Readonly<Record<string, unknown>>): Promise<void>
  /**
   * Copies a damaged segment from `offset` on to a file named after it. True where it is a new find, false where it
   * was set aside before (a replay) or there are too many already. Rejects where the disk refuses.
   */
  rest(find: { journal: string; segment: number; offset: number; file: string }): Promise<boolean>
}

const maxRestFiles = 100

/** Keeps what is set aside in `directory`, which is made when it is first needed. */
export function createSetAside(options: { directory: string; logger: Logger; maxFileBytes?: number }): SetAside {
  const { directory, logger } = options
  const maxFileBytes = options.maxFileBytes ?? 32 * 1024 * 1024
  const lines = path.join(directory, 'rejected.jsonl')

  return {
    async line(value) {
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        if ((await sizeOf(lines)) >= maxFileBytes) await rename(lines, path.join(directory, 'rejected.1.jsonl'))
        await appendFile(lines, `${JSON.stringify(value)}\n`, { mode: 0o600 })
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'unknown'
        logger.error('journal_set_aside_failed', 'A record that can not be stored could not be set aside either', {
          reason,
        })
      }
    },

    async rest({ journal, segment, offset, file }) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const known = (await readdir(directory)).filter((name) => name.endsWith('.raw'))
      const name = `${journal}-${segment}-${offset}.raw`
      if (known.includes(name) || known.length >= maxRestFiles) return false
      const copy = path.join(directory, name)
      await copyFrom(file, offset, `${copy}.new`)
      await rename(`${copy}.new`, copy)
      return true
    },
  }
}

async function copyFrom(file: string, offset: number, target: string): Promise<void> {
  const source = await open(file, 'r')
  try {
    const copy = await open(target, 'w', 0o600)
    try {
      const chunk = Buffer.allocUnsafe(256 * 1024)
      for (let position = offset; ; ) {
        const { bytesRead } = await source.read(chunk, 0, chunk.length, position)
        if (bytesRead === 0) return
        await copy.writeFile(chunk.subarray(0, bytesRead))
        position += bytesRead
      }
    } finally {
      await copy.close()
    }
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

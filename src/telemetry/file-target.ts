import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { LogTarget } from './log-sink.ts'

/** How often to look whether the file is still the one at the path: someone may have moved it without a signal. */
const lookEveryMs = 5000

/**
 * A file in append mode, 0640, its folders created, opened at the first line. Appending survives `copytruncate`; a file
 * that was moved or removed is opened anew when asked, or when it is noticed.
 */
export function fileTarget(file: string, clock: Clock): LogTarget {
  let handle: FileHandle | undefined
  let lookedAt = 0

  const openAnew = async (): Promise<void> => {
    const fresh = await openForAppend(file)
    // The old one is closed last, so that a failure leaves somewhere to write to.
    await handle?.close().catch(() => {})
    handle = fresh
    lookedAt = clock.monotonic()
  }

  return {
    async write(chunk) {
      if (handle === undefined) await openAnew()
      const { bytesWritten } = (await handle?.write(chunk)) ?? { bytesWritten: 0 }
      return bytesWritten
    },
    async renew(asked) {
      if (handle === undefined) {
        if (asked) await openAnew()
        return false
      }
      if (!asked) {
        if (clock.monotonic() - lookedAt < lookEveryMs) return false
        lookedAt = clock.monotonic()
        if (await isStillAt(file, handle)) return false
      }
      const before = await handle.stat()
      await openAnew()
      const after = await handle.stat()
      return before.ino !== after.ino || before.dev !== after.dev
    },
    async close() {
      await handle?.close()
      handle = undefined
    },
  }
}

async function openForAppend(file: string): Promise<FileHandle> {
  await mkdir(path.dirname(file), { recursive: true })
  const handle = await open(file, 'a+', 0o640)
  try {
    await endTornLine(handle)
    return handle
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

/** A process that died on a full disk may have left half a line; the next line must not be glued to it. */
async function endTornLine(handle: FileHandle): Promise<void> {
  const stats = await handle.stat()
  if (!stats.isFile() || stats.size === 0) return
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, stats.size - 1)
  if (bytesRead === 1 && buffer[0] !== 0x0a) await handle.write('\n')
}

async function isStillAt(file: string, handle: FileHandle): Promise<boolean> {
  const [there, ours] = await Promise.all([stat(file).catch(() => undefined), handle.stat()])
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev
}

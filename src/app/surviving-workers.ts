import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import { isAlive, processIncarnation } from '../store/process-identity.ts'

/**
 * Workers of an earlier life whose office died and who still finish the streams they had open. Their journals must not be
 * taken for dead: a call that is about to end well would be recorded as interrupted.
 */
export interface SurvivingWorkers {
  /** Whether the writer of this journal is one of them and still runs; once false it stays false. */
  stillWrite(journalName: string): boolean
  close(): void
}

const lookMs = 250

/** Name of a new journal; it tells which process writes it, so that the next life can ask whether that one still runs. */
export async function journalNameOf(pid: number, clock: Clock): Promise<string> {
  return `${uuidv7(clock.now())}.${pid}.${await fingerprint(pid)}`
}

/** Finds them by the names of the journals below `journalRoot`, and looks after them until the last has ended. */
export async function findSurvivingWorkers(journalRoot: string): Promise<SurvivingWorkers> {
  const names = await readdir(journalRoot).catch(() => [])
  const found = await Promise.all(names.map(async (name) => ((await isWritten(name)) ? [name] : [])))
  const alive = new Set(found.flat())
  const look = async (): Promise<void> => {
    for (const name of alive) if (!(await isWritten(name))) alive.delete(name)
    if (alive.size === 0) clearInterval(timer)
  }
  const timer = setInterval(() => void look(), lookMs)
  timer.unref()
  return { stillWrite: (name) => alive.has(name), close: () => clearInterval(timer) }
}

async function isWritten(journalName: string): Promise<boolean> {
  const [, pid, print] = /\.(\d+)\.([0-9a-f]+)$/.exec(journalName) ?? []
  return pid !== undefined && (await isAlive(Number(pid))) && (await fingerprint(Number(pid))) === print
}

/** Tells two processes apart that had the same id; where the system can not, a reused id is taken for the same process. */
async function fingerprint(pid: number): Promise<string> {
  const incarnation = (await processIncarnation(pid)) ?? 'unknown'
  return createHash('sha256').update(incarnation).digest('hex').slice(0, 16)
}

import { readFile } from 'node:fs/promises'
import { codeOf } from './store-error.ts'

/**
 * True while a process with this id runs. A zombie counts as gone: in a container without an init nobody reaps it, yet
 * it holds nothing any more.
 */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if (codeOf(error) !== 'EPERM') return false
  }
  return (await procStat(pid))?.state !== 'Z'
}

/**
 * A value that differs between two processes which had the same id one after the other (Linux: start time in clock
 * ticks since boot, and the boot itself); null where the system does not tell.
 */
export async function processIncarnation(pid: number): Promise<string | null> {
  const stat = await procStat(pid)
  if (stat === undefined) return null
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return `${boot.trim()}:${stat.startTicks}`
}

/** The command line of a process, spaces between its parts; null where the system does not tell. */
export async function commandLine(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null)
  return text === null ? null : text.replaceAll('\0', ' ').trim()
}

/** proc(5): the second field is the name in brackets and may itself hold brackets and spaces, so read behind the last one. */
async function procStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' }
}

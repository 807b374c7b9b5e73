import { createWriteStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { uuidv7 } from '../../core/ids.ts'
import { codeOf } from '../store-error.ts'
import { BackupError } from './backup-error.ts'

/** The name of a backup made now: sorts by time, and says that it is tar. */
export const backupName = (now: number): string =>
  `signalbox-${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar.gz`

const ourName = /^signalbox-\d{8}T\d{6}Z\.tar\.gz$/
const ourPartialName = /^\.signalbox-\d{8}T\d{6}Z\.tar\.gz\.[0-9a-f-]{36}\.partial$/
/** Nobody works on a file this old any more. */
const partialStaleMs = 24 * 3_600_000

/**
 * Lets `write` fill a file that takes its name only when it is whole and on the disk; until then, and for ever where
 * `write` fails, a file of that name stays what it was. Mode 0600. Returns the size in bytes.
 */
export async function writeWholeFile(
  file: string,
  now: number,
  write: (out: Writable) => Promise<void>,
): Promise<number> {
  const dir = path.dirname(file)
  if (
    !(await stat(dir).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  )
    throw new BackupError('file_unusable', `There is no directory ${dir} to put the backup in.`)
  const partial = path.join(dir, `.${path.basename(file)}.${uuidv7(now)}.partial`)
  const out = createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true, highWaterMark: 1024 * 1024 })
  try {
    await write(out)
    const { size } = await stat(partial)
    await rename(partial, file)
    await syncDirectory(dir)
    return size
  } catch (error) {
    // Before it is closed it may be about to be made.
    out.on('error', () => undefined)
    out.destroy()
    // Not `once` of node:events: that gives up at an error, and the file would stay.
    if (!out.closed) await new Promise<void>((resolve) => out.once('close', resolve))
    await rm(partial, { force: true })
    throw error
  }
}

/** The new name itself is on the disk only after this. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Where a backup is to go: a directory gets a file named after the time. */
export async function backupPath(given: string, now: number): Promise<string> {
  const isDirectory = await stat(given).then(
    (found) => found.isDirectory(),
    () => given.endsWith(path.sep),
  )
  return isDirectory ? path.join(given, backupName(now)) : given
}

/** Makes the directory where it is missing; only its owner looks inside. */
export async function prepareBackupDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' && (await stat(dir)).isDirectory()) return
    // Not `recursive`: Node's own never ends where a directory can not be made in one that is there, as below /proc.
    const parent = path.dirname(dir)
    if (code !== 'ENOENT' || parent === dir || (await stat(parent).catch(() => null)) !== null) throw error
    await prepareBackupDir(parent)
    await prepareBackupDir(dir)
  }
}

/**
 * Deletes all but the newest `keep` backups of a directory, and what an interrupted one left. Only regular files of our
 * own naming are ever touched. Returns how many backups it deleted.
 */
export async function dropOldBackups(dir: string, keep: number, now: number): Promise<number> {
  const names = await readdir(dir)
  let dropped = 0
  for (const name of names
    .filter((one) => ourName.test(one))
    .toSorted()
    .slice(0, -keep))
    if (await removeFile(path.join(dir, name))) dropped += 1
  for (const name of names.filter((one) => ourPartialName.test(one))) {
    const file = path.join(dir, name)
    const found = await lstat(file).catch(() => undefined)
    if (found !== undefined && now - found.mtimeMs > partialStaleMs) await removeFile(file)
  }
  return dropped
}

async function removeFile(file: string): Promise<boolean> {
  try {
    if (!(await lstat(file)).isFile()) return false
    await rm(file)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

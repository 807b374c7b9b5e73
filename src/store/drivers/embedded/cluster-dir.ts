import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, messageOf, StoreError } from '../../store-error.ts'
import { firstUntraversable, type RuntimeUser } from './runtime-user.ts'

/** Where a cluster goes when the server's user can not reach the data directory (a checkout below root's 0700 home). */
const outsidePlace = '/var/lib/signalbox/clusters'
/** The file in the data directory that says so. */
const pointerName = 'postgres.location'

/**
 * The directory of the PostgreSQL cluster that belongs to `dataDir`: `<dataDir>/postgres`, or a place of its own when
 * `user` can not reach that; the pointer file then remembers it. It exists afterwards, with mode 0700 and owned by `user`.
 * Throws `StoreError` `data_dir_unusable` saying which directory is in the way.
 */
export async function prepareClusterDir(
  dataDir: string,
  user: RuntimeUser | null,
  options: { outside?: string } = {},
): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK | constants.X_OK)
    const dir = await chooseDir(dataDir, user, options.outside ?? outsidePlace)
    await mkdir(dir, { recursive: true, mode: 0o700 })
    if (user !== null) await chown(dir, user.uid, user.gid)
    else await refuseForeignOwner(dir)
    await chmod(dir, 0o700)
    return dir
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError('data_dir_unusable', `The data directory ${dataDir} can not be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function chooseDir(dataDir: string, user: RuntimeUser | null, outside: string): Promise<string> {
  const pointer = path.join(dataDir, pointerName)
  const remembered = await readFile(pointer, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (remembered !== null) return remembered.trim()
  const inside = path.join(dataDir, 'postgres')
  if (user === null) return inside
  let blocked = await firstUntraversable(dataDir, user)
  if (blocked === path.resolve(dataDir)) {
    // Our own directory: let the server pass through it. What lies in it stays readable to its owner only.
    await chmod(dataDir, ((await stat(dataDir)).mode & 0o777) | 0o001)
    blocked = await firstUntraversable(dataDir, user)
  }
  if (blocked === null) return inside
  return chooseOutside(dataDir, pointer, blocked, user, outside)
}

async function chooseOutside(
  dataDir: string,
  pointer: string,
  blocked: string,
  user: RuntimeUser,
  outside: string,
): Promise<string> {
  const dir = path.join(outside, randomBytes(8).toString('hex'))
  try {
    await mkdir(outside, { recursive: true, mode: 0o755 })
    const alsoBlocked = await firstUntraversable(outside, user)
    if (alsoBlocked !== null) throw new Error(`${alsoBlocked} can not be passed either`)
  } catch (error) {
    throw new StoreError(
      'data_dir_unusable',
      `PostgreSQL runs as the user ${user.name}, which can not pass ${blocked} on the way to ${dataDir}, and ${outside} can not take its place (${messageOf(error)}). Set DATA_DIR to a directory that user can reach, such as /var/lib/signalbox/data.`,
      { cause: error },
    )
  }
  // Remembered before it is filled: a ledger that nobody finds again would be worse than an empty directory.
  await writeFile(pointer, `${dir}\n`, { mode: 0o600, flush: true })
  return dir
}

/** PostgreSQL would refuse it with a message about permissions that helps nobody. */
async function refuseForeignOwner(dir: string): Promise<void> {
  const { uid } = await stat(dir)
  const own = process.getuid?.()
  if (own === undefined || uid === own) return
  throw new StoreError(
    'data_dir_unusable',
    `The database in ${dir} belongs to uid ${uid}, and this process runs as uid ${own} (was it made by root?). Run Signalbox as the same user as before, give the directory to this one (chown -R), or set another DATA_DIR.`,
  )
}

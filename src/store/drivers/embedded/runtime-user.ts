import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { StoreError } from '../../store-error.ts'

/** Whom PostgreSQL runs as. */
export interface RuntimeUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Tried in this order when we are root; a uid without an entry in passwd makes `initdb` fail. */
const candidates = ['postgres', 'nobody']

/**
 * The unprivileged user to run PostgreSQL as, because it refuses to run as root; null where we are not root (then it runs
 * as we do). Throws `StoreError` where there is no such user.
 */
export async function findRuntimeUser(): Promise<RuntimeUser | null> {
  if (process.getuid?.() !== 0) return null
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''))
  for (const name of candidates) {
    const user = users.find((each) => each.name === name && each.uid !== 0)
    if (user !== undefined) return user
  }
  throw new StoreError(
    'server_failed',
    `PostgreSQL does not run as root, and this system has none of the users ${candidates.join(', ')}. Create one, run Signalbox as an ordinary user, or set DATABASE_URL.`,
  )
}

/** passwd(5): `name:password:uid:gid:…`. */
export function parsePasswd(text: string): RuntimeUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (name === undefined || uid === undefined || gid === undefined || !/^\d+$/.test(uid) || !/^\d+$/.test(gid))
      return []
    return [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

/**
 * The outermost directory on the way to `target` (itself included) that the user can not pass; null when the way is
 * free. Supplementary groups are not counted: the server is started without any.
 */
export async function firstUntraversable(target: string, user: RuntimeUser): Promise<string | null> {
  const resolved = path.resolve(target)
  const { root } = path.parse(resolved)
  let current = root
  for (const part of ['', ...path.relative(root, resolved).split(path.sep)]) {
    current = path.join(current, part)
    const { mode, uid, gid } = await stat(current)
    const executable = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001
    if (executable === 0) return current
  }
  return null
}

import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** The data directory can not be used; the message is for the person who starts the program. */
export class DataDirError extends Error {
  /** `canBeOwned`: a directory is there that another user may have been meant to own. */
  constructor(
    dir: string,
    problem: string,
    { canBeOwned = false, cause }: { canBeOwned?: boolean; cause?: unknown } = {},
  ) {
    const remedy = canBeOwned ? 'Change its owner, or set' : 'Set'
    super(`The data directory ${dir} ${problem}. ${remedy} DATA_DIR to a directory that this user may write.`, {
      cause,
    })
    this.name = 'DataDirError'
  }
}

/**
 * Creates the data directory where it is missing, mode 0700: only its owner looks inside. Run as root, the embedded
 * database runs under another user and has to get through to its own directory: 0711 lets it pass, not list.
 * A directory that is there already keeps its mode, but for that one bit. Throws `DataDirError`.
 */
export function prepareDataDir(dir: string, isRoot = process.getuid?.() === 0): void {
  try {
    const mode = isRoot ? 0o711 : 0o700
    // The process's umask may have taken bits away.
    if (makeDirectory(dir, mode)) chmodSync(dir, mode)
    const found = statSync(dir)
    if (!found.isDirectory()) throw new DataDirError(dir, 'is a file')
    if (isRoot && (found.mode & 0o001) === 0) chmodSync(dir, (found.mode & 0o777) | 0o011)
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof DataDirError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EACCES' || code === 'EPERM')
      throw new DataDirError(dir, 'is not writable for this user', { canBeOwned: true, cause: error })
    if (code === 'EROFS') throw new DataDirError(dir, 'is on a read-only file system', { cause: error })
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new DataDirError(dir, 'is not a directory, or is below a file', { cause: error })
    if (code === 'ENOENT') throw new DataDirError(dir, 'can not be created there', { cause: error })
    throw new DataDirError(dir, `can not be used (${String(code ?? error)})`, { cause: error })
  }
}

/**
 * Makes a directory and its parents; false where it is there already. Not Node's own recursive form: that one never
 * returns where a parent exists and takes no children, such as /proc.
 */
function makeDirectory(dir: string, mode: number): boolean {
  try {
    mkdirSync(dir, { mode })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return false
    const parent = path.dirname(dir)
    if (code !== 'ENOENT' || parent === dir || existsSync(parent)) throw error
    makeDirectory(parent, 0o777)
    return makeDirectory(dir, mode)
  }
}

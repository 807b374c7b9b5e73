import { chown, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, StoreError } from '../../store-error.ts'
import type { Binaries } from './binaries.ts'
import type { EmbeddedConnection } from './connection-file.ts'
import { runProgram, spawnOptions } from './programs.ts'
import type { RuntimeUser } from './runtime-user.ts'
import { type PostgresSettings, renderSettings } from './settings.ts'

export interface Cluster {
  /** Owned by `user`, mode 0700. */
  readonly dir: string
  readonly user: RuntimeUser | null
  readonly binaries: Binaries
}

/** The cluster itself is one level down, so that it can be made aside and appear whole. */
export function dataOf(cluster: Cluster): string {
  return path.join(cluster.dir, 'data')
}

/**
 * Makes the cluster where there is none yet (UTF-8, data checksums, scram). `initdb` fills a folder aside that is renamed
 * at the end: a crash half-way leaves nothing that looks like a database. Returns whether it was made.
 */
export async function initCluster(cluster: Cluster, connection: EmbeddedConnection): Promise<boolean> {
  const data = dataOf(cluster)
  const version = await readFile(path.join(data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (version !== null) {
    refuseOtherMajor(cluster, version.trim())
    return false
  }
  const half = path.join(cluster.dir, 'data.half')
  await rm(half, { recursive: true, force: true })
  const passwordFile = path.join(cluster.dir, 'initdb.password')
  await writeFile(passwordFile, `${connection.password}\n`, { mode: 0o600 })
  await give(passwordFile, cluster.user)
  try {
    const args = ['-D', half, '-U', connection.user, `--pwfile=${passwordFile}`, '-A', 'scram-sha-256', '-E', 'UTF8']
    // The builtin provider sorts by code point on every system alike, so an update of the C library breaks no index.
    args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--data-checksums')
    args.push('--no-instructions')
    const { code, output } = await runProgram(cluster.binaries.initdb, args, spawnOptions(cluster.user, cluster.dir))
    if (code !== 0) throw new StoreError('server_failed', `The database can not be made in ${cluster.dir}: ${output}`)
    await includeSettings(half, cluster.user)
    await rename(half, data)
    return true
  } finally {
    await rm(passwordFile, { force: true })
    await rm(half, { recursive: true, force: true })
  }
}

function refuseOtherMajor(cluster: Cluster, found: string): void {
  const wanted = cluster.binaries.version.split('.')[0] ?? ''
  if (found === wanted) return
  throw new StoreError(
    'server_failed',
    `The database in ${cluster.dir} was made by PostgreSQL ${found}, and this Signalbox brings PostgreSQL ${wanted}. Take a backup with the version that made it and restore it here.`,
  )
}

async function includeSettings(data: string, user: RuntimeUser | null): Promise<void> {
  const file = path.join(data, 'postgresql.conf')
  const text = await readFile(file, 'utf8')
  await writeFile(file, `${text}\ninclude_if_exists = 'signalbox.conf'\n`)
  await give(file, user)
}

/** Writes our settings; returns whether they differ from what a running server of this cluster was started with. */
export async function writeSettings(cluster: Cluster, settings: PostgresSettings): Promise<boolean> {
  const file = path.join(dataOf(cluster), 'signalbox.conf')
  const text = renderSettings(settings)
  const before = await readFile(file, 'utf8').catch(() => '')
  if (before === text) return false
  await writeFile(file, text, { mode: 0o600 })
  await give(file, cluster.user)
  return true
}

/**
 * Sets the password of a cluster that is not running, in PostgreSQL's single-user mode: a lost `connection.json` must not
 * lose the ledger with it.
 */
export async function resetPassword(cluster: Cluster, connection: EmbeddedConnection): Promise<void> {
  const statement = `ALTER ROLE "${connection.user}" PASSWORD '${connection.password.replaceAll("'", "''")}'\n`
  const { code, output } = await runProgram(
    cluster.binaries.postgres,
    ['--single', '-D', dataOf(cluster), 'postgres'],
    { ...spawnOptions(cluster.user, cluster.dir), input: statement },
  )
  if (code !== 0) throw new StoreError('server_failed', `The database in ${cluster.dir} can not be opened: ${output}`)
}

/** Gives everything in the cluster to the server's user: it may have changed since (another image, another passwd). */
export async function giveCluster(cluster: Cluster): Promise<void> {
  const { user } = cluster
  if (user === null) return
  const data = dataOf(cluster)
  const owner = await stat(data).catch(() => null)
  if (owner === null || owner.uid === user.uid) return
  for (const entry of await readdir(data, { recursive: true })) await chown(path.join(data, entry), user.uid, user.gid)
  await chown(data, user.uid, user.gid)
}

async function give(file: string, user: RuntimeUser | null): Promise<void> {
  if (user !== null) await chown(file, user.uid, user.gid)
}

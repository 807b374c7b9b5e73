/** What `signalbox backup` and `signalbox restore` do, and the scheduled backup with them. */
import { createHmac } from 'node:crypto'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import type { Writable } from 'node:stream'
import { prepareDataDir } from '../config/data-dir.ts'
import type { Config } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import {
  BackupError,
  backupPath,
  type CheckedBackup,
  checkBackup,
  checkTarget,
  type Manifest,
  readManifest,
  restoreBackup,
  writeBackup,
  writeWholeFile,
} from '../store/backup/index.ts'
import { connectionUrl, lockDataDir, readConnectionFile, StoreError } from '../store/index.ts'
import { openServer } from '../store/open-server.ts'
import { Cleanups } from './cleanups.ts'
import { pepperFile } from './secrets.ts'
import { packageVersion } from './version.ts'

/** What a long command is given to stop by and to tell with. */
export interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total?: number) => void
  /** A line for the person who waits. */
  readonly note?: (text: string) => void
}

/** A backup that is complete. */
export interface BackupMade {
  /** null: standard output. */
  readonly file: string | null
  /** Size of the file; null for standard output. */
  readonly bytes: number | null
  readonly rows: number
  /** Whether client keys work where the backup is restored, without KEY_PEPPER. */
  readonly withPepper: boolean
}

/** Writes a backup of the configured ledger, whether an instance runs on it or not. `target` null: standard output. */
export async function backup(
  config: Config,
  options: { readonly target: string | null; readonly withPepper: boolean },
  work: Work,
): Promise<BackupMade> {
  // Asked first, because a server that is started for the moment would make itself a database where none is.
  if (config.store.databaseUrl === undefined && (await readConnectionFile(config.dataDir)) === null)
    throw new BackupError(
      'no_ledger',
      `There is no ledger in ${config.dataDir}. Set DATA_DIR or DATABASE_URL to yours.`,
    )
  const server = await openLedgerServer(config, { underRunning: true })
  try {
    return await backupTo(config, server.url, { ...options, out: process.stdout, clock: systemClock, ...work })
  } finally {
    await server.close()
  }
}

/** The same with the database at hand. */
export async function backupTo(
  config: Config,
  url: string,
  options: Work & {
    readonly target: string | null
    readonly out?: Writable
    readonly withPepper: boolean
    readonly clock: Clock
    readonly restMs?: number
  },
): Promise<BackupMade> {
  const { target, out, clock, signal, onProgress, restMs = 0 } = options
  const keyPepper = await pepperEntry(config, options.withPepper)
  const write = (to: Writable, endOut: boolean) =>
    writeBackup({
      url,
      out: to,
      endOut,
      signalboxVersion: packageVersion(),
      keyPepper,
      clock,
      signal,
      onProgress,
      restMs,
    })
  const withPepper = keyPepper.value !== undefined
  if (target === null) {
    if (out === undefined) throw new TypeError('a backup to nowhere')
    const { rows } = await write(out, false)
    return { file: null, bytes: null, rows, withPepper }
  }
  const file = await backupPath(target, clock.now())
  let rows = 0
  const bytes = await writeWholeFile(file, clock.now(), async (to) => {
    rows = (await write(to, true)).rows
  })
  return { file, bytes, rows, withPepper }
}

/** A pepper of the operator's own (KEY_PEPPER) is kept by the operator. */
async function pepperEntry(config: Config, wished: boolean): Promise<Manifest['key_pepper']> {
  const value = await pepperThere(config)
  if (value === undefined) return {}
  const fingerprint = fingerprintOf(value)
  return wished && config.keyPepper === undefined ? { fingerprint, value } : { fingerprint }
}

/** Not `pepperOf`, which makes one: a machine that only takes backups has none, and must not invent it. */
async function pepperThere(config: Config): Promise<string | undefined> {
  if (config.keyPepper !== undefined) return config.keyPepper.reveal()
  try {
    return (await readFile(path.join(config.dataDir, pepperFile), 'utf8')).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const fingerprintOf = (pepper: string): string =>
  createHmac('sha256', pepper).update('signalbox key pepper').digest('hex').slice(0, 16)

/** A backup that was opened to be checked and loaded. */
export interface Restore {
  readonly manifest: Manifest
  /** Bytes of the file. */
  readonly fileBytes: number
  /** Reads all of the file; nothing is changed. Progress: bytes. */
  check(work: Work): Promise<CheckedBackup>
  /** All or nothing. Progress: rows. */
  load(work: Work): Promise<PepperFate>
  close(): Promise<void>
}

/** What became of the pepper; all but `same` and `restored` leave the restored client keys without use. */
export type PepperFate =
  | 'same'
  /** The backup's is in the data directory now; one that was there before is beside it. */
  | 'restored'
  /** KEY_PEPPER is set, and to another one than the backup was made under. */
  | 'configured-differs'
  /** The backup has none. */
  | 'missing'
  /** There are no client keys in the backup. */
  | 'not-needed'

/** Opens a backup and the configured database. Throws where the one can not be restored into the other. */
export async function openRestore(
  config: Config,
  options: { readonly file: string; readonly force: boolean; readonly signal: AbortSignal },
): Promise<Restore> {
  const { file, force, signal } = options
  const manifest = await readManifest({ file, signal })
  const { size } = await stat(file)
  const server = await openLedgerServer(config, { underRunning: force })
  try {
    const { url } = server
    await checkTarget({ url, file, force, signal })
    return {
      manifest,
      fileBytes: size,
      check: ({ signal, onProgress }) => checkBackup({ file, signal, onProgress: (done) => onProgress(done, size) }),
      async load({ signal, onProgress, note }) {
        const onLoaded = (): void => note?.('All rows are in; counting them, and committing.')
        const { summary } = await restoreBackup({ url, file, force, signal, onProgress, onLoaded })
        const keys = summary.tables.find(({ name }) => name === 'client_keys')?.rows ?? 0
        return keys === 0 ? 'not-needed' : takePepper(config, manifest)
      },
      close: () => server.close(),
    }
  } catch (error) {
    await server.close()
    throw error
  }
}

/** After the rows: a pepper without its keys would make the keys of the old database useless. */
async function takePepper(config: Config, { key_pepper: kept }: Manifest): Promise<PepperFate> {
  const file = path.join(config.dataDir, pepperFile)
  const present = await pepperThere(config)
  if (present !== undefined && fingerprintOf(present) === kept.fingerprint) return 'same'
  if (config.keyPepper !== undefined) return 'configured-differs'
  if (kept.value === undefined) return 'missing'
  prepareDataDir(config.dataDir)
  await writeFile(`${file}.new`, `${kept.value}\n`, { mode: 0o600, flush: true })
  if (present !== undefined) await rename(file, `${file}.before-restore`)
  await rename(`${file}.new`, file)
  return 'restored'
}

interface LedgerServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * The configured server; else the embedded one, started for the moment, or that of the instance that runs on the data
 * directory where `underRunning` allows it. Nothing is migrated.
 */
async function openLedgerServer(config: Config, options: { readonly underRunning: boolean }): Promise<LedgerServer> {
  const databaseUrl = config.store.databaseUrl?.reveal()
  if (databaseUrl !== undefined) return { url: databaseUrl, close: async () => undefined }
  prepareDataDir(config.dataDir)
  const cleanups = new Cleanups()
  try {
    const lock = await lockDataDir(config.dataDir, { clock: systemClock })
    cleanups.add('lock', () => lock.release())
    const server = await openServer({
      config: { ...config.store, databaseUrl: undefined },
      dataDir: config.dataDir,
      clock: systemClock,
      logger: silentLogger,
    })
    cleanups.add('server', () => server.close())
    return { url: server.url, close: async () => void (await cleanups.run()) }
  } catch (error) {
    await cleanups.run()
    if (!(error instanceof StoreError) || error.code !== 'data_dir_locked') throw error
    if (!options.underRunning)
      throw new BackupError('target_in_use', `${error.message} Or add --force to replace the ledger under it.`, {
        cause: error,
      })
    const connection = await readConnectionFile(config.dataDir)
    if (connection === null) throw error
    return { url: connectionUrl(connection), close: async () => undefined }
  }
}

import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { type Clock, systemClock } from '../core/clock.ts'
import { isAlive, processIncarnation } from './process-identity.ts'
import { codeOf, messageOf, StoreError } from './store-error.ts'

export interface DataDirLock {
  /** Gives the directory back; safe to call twice. */
  release(): Promise<void>
}

const heartbeatMs = 5_000
/** A lock of another host (a shared volume) can only be judged by its heartbeat. */
const foreignStaleMs = 20_000

const holderSchema = z.object({
  token: z.string(),
  pid: z.number(),
  incarnation: z.string().nullable(),
  host: z.string(),
})
type Holder = z.infer<typeof holderSchema>

/** Locks of this very process, by their token: our own pid in a lock file proves nothing after a restart in a container. */
const heldHere = new Set<string>()

/**
 * Makes this process the only user of a data directory (created with mode 0700 where missing), by a file
 * `signalbox.lock` in it. A lock whose process is gone is taken over.
 * Throws `StoreError` `data_dir_locked` naming the process that holds it, or `data_dir_unusable` with the reason.
 */
export async function lockDataDir(dir: string, options: { clock?: Clock } = {}): Promise<DataDirLock> {
  const clock = options.clock ?? systemClock
  const file = path.join(dir, 'signalbox.lock')
  const holder: Holder = {
    token: randomUUID(),
    pid: process.pid,
    incarnation: await processIncarnation(process.pid),
    host: hostname(),
  }
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await acquire(dir, file, holder, clock)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError('data_dir_unusable', `The data directory ${dir} can not be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
  heldHere.add(holder.token)
  const heartbeat = setInterval(() => void beat(file, clock), heartbeatMs)
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if (!heldHere.delete(holder.token)) return
      const current = await readHolder(file)
      if (current?.token === holder.token) await rm(file, { force: true })
    },
  }
}

/** The heartbeat only serves other hosts; a disk that refuses it now and then is no reason to stop. */
async function beat(file: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now())
  await utimes(file, now, now).catch(() => undefined)
}

async function acquire(dir: string, file: string, holder: Holder, clock: Clock): Promise<void> {
  const mine = path.join(dir, `.lock-${holder.token}`)
  await writeFile(mine, JSON.stringify(holder), { mode: 0o600, flag: 'wx' })
  const now = new Date(clock.now())
  await utimes(mine, now, now)
  try {
    // Every turn either takes the lock, throws, or removes one stale lock; five stale locks in a row do not happen.
    for (let turn = 0; turn < 5; turn++) {
      if (await linked(mine, file)) return
      await removeIfStale(dir, file, clock)
    }
    throw new StoreError('data_dir_locked', `The data directory ${dir} is fought over by several instances.`)
  } finally {
    await rm(mine, { force: true })
  }
}

/** `link` fails where the name exists, so that exactly one of several contenders gets it, with its content whole. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function removeIfStale(dir: string, file: string, clock: Clock): Promise<void> {
  const current = await readHolder(file)
  if (current === undefined) return
  await refuseIfLive(dir, file, current, clock)
  // Two contenders may have judged the same stale lock. The rename gives the file to one of them, and that one looks
  // again at what it got: if the other was quicker, it is a live lock, which goes back.
  const aside = path.join(dir, `.lock-stale-${randomUUID()}`)
  try {
    await rename(file, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  const taken = await readHolder(aside)
  if (taken !== undefined && taken !== null && taken.token !== current?.token) await linked(aside, file)
  await rm(aside, { force: true })
}

/** undefined: no such file. null: a file that is no lock of ours (a torn write), which is stale. */
async function readHolder(file: string): Promise<Holder | null | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

async function refuseIfLive(dir: string, file: string, current: Holder | null, clock: Clock): Promise<void> {
  if (current === null) return
  if (current.host === hostname()) {
    const isOurs = current.pid === process.pid
    if (isOurs ? !heldHere.has(current.token) : !(await isSameProcess(current))) return
  } else {
    const seen = await stat(file).catch(() => undefined)
    if (seen === undefined || clock.now() - seen.mtimeMs > foreignStaleMs) return
  }
  const where = current.host === hostname() ? '' : ` on host ${current.host}`
  throw new StoreError(
    'data_dir_locked',
    `Another Signalbox (process ${current.pid}${where}) uses the data directory ${dir}. Stop it, or set DATA_DIR to another directory.`,
  )
}

async function isSameProcess(holder: Holder): Promise<boolean> {
  if (!(await isAlive(holder.pid))) return false
  const incarnation = await processIncarnation(holder.pid)
  return incarnation === null || holder.incarnation === null || incarnation === holder.incarnation
}

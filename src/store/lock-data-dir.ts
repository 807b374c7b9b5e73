import { randomUUID } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
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
const maxTurns = 50

const holderSchema = z.object({
  token: z.uuid(),
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
  // Before the file can be seen, so that another contender of this process does not take it for a leftover.
  heldHere.add(holder.token)
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await acquire(dir, file, holder, clock)
  } catch (error) {
    heldHere.delete(holder.token)
    if (error instanceof StoreError) throw error
    throw new StoreError('data_dir_unusable', `The data directory ${dir} can not be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const heartbeat = setInterval(() => void beat(file, clock), heartbeatMs)
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if (!heldHere.delete(holder.token)) return
      const current = await readHolder(file)
      if (current?.id === holder.token) await rm(file, { force: true })
    },
  }
}

/** The heartbeat only serves other hosts; a disk that refuses it now and then is no reason to stop. */
async function beat(file: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now())
  await utimes(file, now, now).catch(() => undefined)
}

/**
 * A free lock goes to the one whose `link` made the file. A stale lock is never removed and taken again, because between
 * the two a third contender could come in: it is *succeeded*. The claim to succeed a holder is a file named after it,
 * made by `link`, so that exactly one contender ever succeeds a given holder; and a claimant that died is succeeded in turn.
 */
async function acquire(dir: string, file: string, holder: Holder, clock: Clock): Promise<void> {
  const mine = path.join(dir, `.lock-${holder.token}`)
  await writeFile(mine, JSON.stringify(holder), { mode: 0o600, flag: 'wx' })
  const now = new Date(clock.now())
  await utimes(mine, now, now)
  try {
    // Every turn takes the lock, throws, or saw another contender come or go; many of those in a row do not happen.
    for (let turn = 0; turn < maxTurns; turn++) {
      if (await linked(mine, file)) return
      if (await succeeded(dir, file, mine, clock)) return
    }
    throw new StoreError('data_dir_locked', `The data directory ${dir} is fought over by several instances.`)
  } finally {
    await rm(mine, { force: true })
  }
}

/** true: the stale lock in `file` is now ours. false: it changed while we looked, look again. Throws where it is live. */
async function succeeded(dir: string, file: string, mine: string, clock: Clock): Promise<boolean> {
  const first = await readHolder(file)
  if (first === undefined) return false
  const claims: string[] = []
  let last = first
  let lastFile = file
  while (true) {
    await refuseIfLive(dir, lastFile, last.holder, clock)
    const claim = path.join(dir, `.lock-after-${last.id}`)
    claims.push(claim)
    if (await linked(mine, claim)) break
    const claimant = await readHolder(claim)
    if (claimant === undefined) return false
    last = claimant
    lastFile = claim
  }
  // A successor replaces the lock file before it removes the claims. So if the file is still the one we judged, no other
  // claim came before ours; if it is not, ours is for a holder that was succeeded already, and means nothing.
  if ((await readHolder(file))?.id !== first.id) {
    await rm(claims.at(-1) ?? mine, { force: true })
    return false
  }
  await rename(mine, file)
  for (const claim of claims) await rm(claim, { force: true })
  return true
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

interface LockFile {
  /** Names this lock, and no other before or after it. */
  id: string
  /** null: not a lock of ours (a torn write), which is stale. */
  holder: Holder | null
}

/** undefined: no such file. */
async function readHolder(file: string): Promise<LockFile | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const holder = parsedHolder(await handle.readFile('utf8'))
    if (holder !== null) return { id: holder.token, holder }
    const { ino, mtimeMs } = await handle.stat()
    return { id: `torn-${ino}-${mtimeMs}`, holder }
  } finally {
    await handle.close()
  }
}

function parsedHolder(text: string): Holder | null {
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

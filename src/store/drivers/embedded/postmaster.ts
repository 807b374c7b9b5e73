import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, open, readFile, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../../core/clock.ts'
import { commandLine, isAlive } from '../../process-identity.ts'
import { codeOf, StoreError } from '../../store-error.ts'
import { type Cluster, dataOf } from './init-cluster.ts'
import { runProgram, spawned, spawnOptions } from './programs.ts'

/** A running server process of a cluster: our child, or one that an earlier process of ours left behind. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Present when we started it. */
  readonly child?: ChildProcess
}

/** How long each kind of shutdown may take before the next, harsher one. */
const fastShutdownMs = 30_000
const immediateShutdownMs = 10_000
const pollMs = 20
/** The server's own log is for its failures only; past this it starts anew. */
const maxLogBytes = 5_000_000

/** Starts the server detached, so that a Ctrl-C meant for the gateway does not stop the database first. */
export async function spawnPostmaster(cluster: Cluster, port: number): Promise<Postmaster & { child: ChildProcess }> {
  const log = await open(logFile(cluster), 'a', 0o600)
  try {
    const child = spawn(cluster.binaries.postgres, ['-D', dataOf(cluster), '-p', String(port)], {
      ...spawnOptions(cluster.user, cluster.dir),
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    await spawned(child)
    if (child.pid === undefined) throw new StoreError('server_failed', 'PostgreSQL was started but has no process id.')
    return { pid: child.pid, port, child }
  } finally {
    await log.close()
  }
}

/**
 * The server that runs on this cluster, by its `postmaster.pid`; null where none does. A pid file whose process is gone,
 * a zombie, or some other program with a reused id is removed, because PostgreSQL would refuse to start over it.
 */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | null> {
  const file = path.join(dataOf(cluster), 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  })
  // Lines of postmaster.pid: pid, data directory, start time, port, socket directory, listen address, memory key, status.
  const lines = text.split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1) return null
  if (!(await isAlive(pid)) || !(await isPostgres(pid))) {
    await rm(file, { force: true })
    return null
  }
  return { pid, port: Number(lines[3]) }
}

async function isPostgres(pid: number): Promise<boolean> {
  const command = await commandLine(pid)
  return command === null || /postgres/.test(command)
}

/**
 * Fast shutdown (sessions are ended, everything is written), then an immediate one if that hangs. Resolves when the
 * process is gone; throws `StoreError` where it survives both.
 */
export async function stopPostmaster(cluster: Cluster, postmaster: Postmaster, clock: Clock): Promise<void> {
  if (process.platform === 'win32') {
    const args = ['stop', '-D', dataOf(cluster), '-m', 'fast', '-w']
    await runProgram(cluster.binaries.pgCtl, args, spawnOptions(cluster.user, cluster.dir))
    return
  }
  // PostgreSQL: SIGINT is the fast shutdown, SIGQUIT the immediate one (the next start recovers from the log).
  for (const [signal, patienceMs] of [
    ['SIGINT', fastShutdownMs],
    ['SIGQUIT', immediateShutdownMs],
  ] as const) {
    if (!signalled(postmaster.pid, signal)) return
    if (await isGoneWithin(postmaster.pid, patienceMs, clock)) return
  }
  throw new StoreError('server_failed', `The PostgreSQL process ${postmaster.pid} does not stop.`)
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

async function isGoneWithin(pid: number, patienceMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonic() + patienceMs
  while (await isAlive(pid)) {
    if (clock.monotonic() > deadline) return false
    await wait(pollMs)
  }
  return true
}

function logFile(cluster: Cluster): string {
  return path.join(cluster.dir, 'postgres.log')
}

/** Empties the log when it has grown too large; the server appends, so it goes on at the start of the file. */
export async function boundLog(cluster: Cluster): Promise<void> {
  const { size } = await stat(logFile(cluster)).catch(() => ({ size: 0 }))
  if (size > maxLogBytes) await truncate(logFile(cluster), 0)
}

/** The size of the log now: what is said from here on belongs to the start that follows. */
export async function logSize(cluster: Cluster): Promise<number> {
  const { size } = await stat(logFile(cluster)).catch(() => ({ size: 0 }))
  if (size > 0) await chmod(logFile(cluster), 0o600)
  return size
}

/** What the server said since `from`, its last 1,000 characters. */
export async function logSince(cluster: Cluster, from: number): Promise<string> {
  const text = await readFile(logFile(cluster)).catch(() => Buffer.alloc(0))
  return text.subarray(Math.min(from, text.length)).toString('utf8').trim().slice(-1_000)
}

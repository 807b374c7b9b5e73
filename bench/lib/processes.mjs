// @ts-check
/** Child processes of the bench: how they start, how they are spoken to, how they end. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

/**
 * @param {string} file a module beside run.mjs, given as a path
 * @param {{ core?: string | null, env?: Record<string, string>, args?: string[], nodeArgs?: string[] }} [how]
 */
export function startModule(file, { core = null, env = {}, args = [], nodeArgs = [] } = {}) {
  const node = [process.execPath, ...nodeArgs, file, ...args]
  const [command, ...rest] = core === null ? node : ['taskset', '-c', core, ...node]
  const child = spawn(String(command), rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  tellOfDeath(child, file)
  return child
}

/** @type {WeakSet<import('node:child_process').ChildProcess>} children that we asked to end */
const ending = new WeakSet()

/**
 * A target that dies shows as refused connections, far from the cause: name it, and how it went.
 * @param {import('node:child_process').ChildProcess} child @param {string} name
 */
export function tellOfDeath(child, name) {
  child.once('exit', (code, signal) => {
    if (ending.has(child) || code === 0) return
    const how = signal === null ? `with exit code ${code}` : `by the signal ${signal}`
    console.error(`${name} (process ${child.pid}) ended ${how} while it was needed`)
  })
}

/**
 * The next IPC message that `pick` takes; rejects when the process ends first.
 * @template T
 * @param {import('node:child_process').ChildProcess} child
 * @param {(message: any) => T | undefined} pick
 * @returns {Promise<T>}
 */
export function nextMessage(child, pick) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      child.off('message', onMessage)
      child.off('exit', onExit)
    }
    const onMessage = (/** @type {unknown} */ message) => {
      const picked = pick(message)
      if (picked === undefined) return
      stop()
      resolve(picked)
    }
    const onExit = (/** @type {number | null} */ code) => {
      stop()
      reject(new Error(`a process of the bench ended with code ${code}: ${child.spawnargs.join(' ')}`))
    }
    child.on('message', onMessage)
    child.on('exit', onExit)
  })
}

/**
 * Asks a process to end, and ends it when it does not.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} patienceMs
 * @returns {Promise<boolean>} whether it went by itself
 */
export async function stop(child, patienceMs = 2000) {
  if (child.exitCode !== null || child.signalCode !== null) return true
  ending.add(child)
  const gone = new Promise((resolve) => child.once('exit', () => resolve(true)))
  child.kill('SIGTERM')
  const late = new Promise((resolve) => setTimeout(() => resolve(false), patienceMs).unref())
  if (await Promise.race([gone, late])) return true
  child.kill('SIGKILL')
  await gone
  return false
}

/** A port that is free now. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

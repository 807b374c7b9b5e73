// @ts-check
/** The two places a ledger can live: a PostgreSQL server of this machine's own packages, and the embedded one. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { descendants } from '../../lib/proc.mjs'
import { freePort } from '../../lib/processes.mjs'

/**
 * @typedef {object} Server
 * @property {'server' | 'embedded'} kind
 * @property {string} version
 * @property {string} url of the ledger's database
 * @property {() => number[]} pids the postmaster and its children
 * @property {() => Promise<void>} restart with empty buffers
 * @property {() => Promise<void>} close
 */

/** Durable, as it ships; sized as an operator would on a machine of a few GiB. */
const serverSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '256MB',
  effective_cache_size: '4GB',
  max_wal_size: '4GB',
  random_page_cost: '1.1',
  jit: 'off',
}

/** The folder of the newest `postgres` that Debian's packages brought, or null. */
export function findServerBinaries() {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return null
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  const found = versions.map((version) => path.join(root, version, 'bin'))
  return found.find((bin) => existsSync(path.join(bin, 'initdb'))) ?? null
}

/** @param {string} dir an empty folder @param {Record<string, string>} extra settings @returns {Promise<Server>} */
export async function startServer(dir, extra = {}) {
  const bin = findServerBinaries()
  if (bin === null) throw new Error('there is no PostgreSQL server on this machine: apt-get install postgresql')
  const user = runAs()
  const data = path.join(dir, 'data')
  mkdirSync(data, { recursive: true })
  chmodSync(dir, 0o755)
  if (user.uid !== undefined && user.gid !== undefined) chownSync(data, user.uid, user.gid)
  execFileSync(
    path.join(bin, 'initdb'),
    ['-D', data, '-E', 'UTF8', '--locale=C.UTF-8', '-A', 'trust', '-U', 'postgres', '--data-checksums'],
    { ...user, stdio: 'ignore' },
  )
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/signalbox`
  const settings = { ...serverSettings, ...extra, listen_addresses: '127.0.0.1', port, unix_socket_directories: '' }
  const text = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`)
  writeFileSync(path.join(data, 'postgresql.auto.conf'), `${text.join('\n')}\n`)
  const log = openSync(path.join(dir, 'log'), 'a')
  const start = () => spawn(path.join(bin, 'postgres'), ['-D', data], { ...user, stdio: ['ignore', log, log] })
  let child = start()
  await answering(url.replace('/signalbox', '/postgres'))
  await once(url.replace('/signalbox', '/postgres'), 'create database signalbox')
  const stop = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    await gone
  }
  const [{ version = '' } = {}] = await once(url, 'show server_version', 'server_version')
  return {
    kind: 'server',
    version,
    url,
    pids: () => (child.pid === undefined ? [] : [child.pid, ...descendants(child.pid)]),
    async restart() {
      await stop()
      child = start()
      await answering(url)
    },
    async close() {
      await stop()
      closeSync(log)
    },
  }
}

/** @param {string} dir an empty folder @param {import('./product.mjs').Product} product @returns {Promise<Server>} */
export async function startEmbeddedServer(dir, product) {
  const start = () => product.startEmbedded({ dataDir: dir, clock: product.clock, logger: product.logger })
  let embedded = await start()
  const [{ version = '' } = {}] = await once(embedded.url, 'show server_version', 'server_version')
  return {
    kind: 'embedded',
    version,
    url: embedded.url,
    pids: () => [embedded.pid(), ...descendants(embedded.pid())],
    async restart() {
      await embedded.stop()
      embedded = await start()
      await answering(embedded.url)
    },
    close: () => embedded.stop(),
  }
}

/** Empties the kernel's cache of files. False where this process may not. */
export function dropFileCache() {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}

/** PostgreSQL refuses root; Debian's package brings a user. @returns {{ uid?: number, gid?: number }} */
function runAs() {
  if (process.getuid?.() !== 0) return {}
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** @param {string} url */
async function answering(url) {
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      await once(url, 'select 1')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await wait(50)
    }
  }
}

/**
 * One statement on a connection of its own.
 * @param {string} url @param {string} text @param {string} [column] renamed to `version`
 * @returns {Promise<{ version?: string }[]>}
 */
async function once(url, text, column) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query(text)
    return column === undefined ? [] : rows.map((row) => ({ version: String(row[column]).split(' ')[0] ?? '' }))
  } finally {
    await client.end().catch(() => undefined)
  }
}

// @ts-check
/** What is measured: the gateway itself, the bare pass-through, nothing at all (direct), and the peers. */
import { execFile, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nowUs, sleep } from './clock.mjs'
import { cpuSeconds, descendants, pin, procText } from './proc.mjs'
import { freePort, nextMessage, startModule, stop, tellOfDeath } from './processes.mjs'

const bench = dirname(dirname(fileURLToPath(import.meta.url)))
const project = dirname(bench)
const peersFolder = join(project, '.peers')
const run = promisify(execFile)

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {number} port
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {() => Record<string, number[]>} pids by part: `worker` forwards the bytes; `office` and `postgres` are the gateway's
 * @property {() => Promise<number>} settle waits until work put off is done (the recorder); seconds waited
 * @property {() => Promise<void>} close
 */

const path = '/v1/messages?beta=true'
const callerKey = { 'x-api-key': 'sk-ant-bench' }
const nothingPutOff = async () => 0

/** @param {number} upstreamPort @returns {Target} */
export const direct = (upstreamPort) => ({
  name: 'direct',
  port: upstreamPort,
  path,
  headers: callerKey,
  pids: () => ({}),
  settle: nothingPutOff,
  close: async () => undefined,
})

/**
 * @param {number} upstreamPort
 * @param {{ core: string | null, tuned?: boolean, nodeArgs?: string[], env?: Record<string, string> }} how
 * @returns {Promise<Target>}
 */
export async function startBare(upstreamPort, { core, tuned = false, nodeArgs = [], env = {} }) {
  const child = startModule(join(bench, 'bare.mjs'), {
    core,
    nodeArgs,
    env: { ...env, UPSTREAM: `http://127.0.0.1:${upstreamPort}`, TUNED: tuned ? '1' : '' },
  })
  const port = await nextMessage(child, (message) => message.port)
  return {
    name: tuned ? 'bare-tuned' : 'bare',
    port,
    path,
    headers: callerKey,
    pids: () => ({ worker: [Number(child.pid)] }),
    settle: nothingPutOff,
    close: async () => void (await stop(child)),
  }
}

/** A server that speaks HTTP only: wait until it answers anything. @param {number} port @param {string} url @param {number} seconds */
async function answering(port, url, seconds) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${url}`, { signal: AbortSignal.timeout(1000) })
      await response.arrayBuffer()
      return
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`nothing answers on port ${port}`, { cause: error })
      await sleep(100)
    }
  }
}

/** @param {string} folder @param {number} depth @returns {number | null} the embedded database's first process */
function postmaster(folder, depth = 4) {
  if (depth === 0 || !existsSync(folder)) return null
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = join(folder, entry.name)
    if (entry.name === 'postmaster.pid') return Number(readFileSync(at, 'latin1').split('\n')[0])
    const below = entry.isDirectory() ? postmaster(at, depth - 1) : null
    if (below !== null) return below
  }
  return null
}

/**
 * The real thing, everything on: client key, journal, recorder to the embedded PostgreSQL, metrics, log file.
 * @param {number} upstreamPort
 * @param {{ layout: import('./options.mjs').Layout, main?: string | null, workers?: number, workerCore?: string | null, officeCore?: string | null,
 *   env?: Record<string, string> }} how
 * @returns {Promise<Target & { child: import('node:child_process').ChildProcess, dataDir: string }>}
 */
export async function startGateway(upstreamPort, how) {
  const { layout, workers = 1, workerCore = layout.worker, officeCore = layout.office } = how
  const main = how.main ?? join(project, 'dist', 'main.js')
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`npm run build\` first`)
  const folder = join(bench, '.work', `gateway-${process.pid}-${workers}-${Date.now()}`)
  mkdirSync(folder, { recursive: true })
  const dataDir = join(folder, 'data')
  const port = await freePort()
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PROXY_PORT: String(port),
    DASHBOARD_PORT: String(await freePort()),
    DATA_DIR: dataDir,
    LOG_FILE: join(folder, 'signalbox.log'),
    ANTHROPIC_UPSTREAM_URL: `http://127.0.0.1:${upstreamPort}`,
    ANTHROPIC_API_KEY: 'sk-ant-bench',
    WORKERS: String(workers),
    ...how.env,
  }
  const output = openSync(join(folder, 'output.log'), 'a')
  const child = spawn(process.execPath, [main, 'start'], { cwd: folder, env, stdio: ['ignore', output, output] })
  const died = new Promise((_, reject) => {
    child.once('exit', (code) => {
      const said = tailOf(join(folder, 'output.log'), 1500)
      reject(new Error(`the gateway ended with code ${code} while starting:\n${said}`))
    })
  })
  died.catch(() => undefined)
  await Promise.race([answering(port, '/health', 60), died])
  const { stdout } = await run(process.execPath, [main, 'keys', 'create', '--domain', 'bench'], { cwd: folder, env })
  const key = /sbx_[A-Za-z0-9_-]+/.exec(stdout)?.[0]
  if (key === undefined) throw new Error('`keys create` showed no key')

  tellOfDeath(child, 'the gateway')
  const office = Number(child.pid)
  const pids = () => {
    const database = postmaster(dataDir)
    const postgres = database === null ? [] : [database, ...descendants(database)]
    const nodes = descendants(office).filter((pid) => !postgres.includes(pid))
    const forwarding = nodes.filter((pid) => procText(pid, 'environ').includes('NODE_UNIQUE_ID='))
    return {
      worker: forwarding.length > 0 ? forwarding : [office],
      office: forwarding.length > 0 ? [office] : [],
      postgres,
    }
  }
  const place = () => {
    const parts = pids()
    if (parts.worker.length !== workers)
      throw new Error(`${parts.worker.length} workers run, ${workers} were asked for`)
    if (officeCore !== null) pin([...parts.office, ...parts.postgres], officeCore)
    if (workerCore !== null) pin(parts.worker, workerCore)
  }
  place()
  return {
    name: workers === 1 ? 'gateway' : `gateway-${workers}-workers`,
    port,
    path,
    headers: { 'x-api-key': key },
    child,
    dataDir,
    pids,
    settle: () => idle(() => [...pids().office, ...pids().postgres]),
    close: async () => {
      const database = postmaster(dataDir)
      const byItself = await stop(child, 45_000)
      if (!byItself && database !== null) process.kill(database, 'SIGINT') // our own database, left behind
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Waits until these processes use less than a tenth of a core. @param {() => number[]} pids @returns {Promise<number>} seconds */
async function idle(pids) {
  const began = nowUs()
  for (let quiet = 0; quiet < 2; ) {
    const before = cpuSeconds(pids())
    await sleep(300)
    quiet = cpuSeconds(pids()) - before < 0.03 ? quiet + 1 : 0
    if (nowUs() - began > 120e6) break
  }
  return (nowUs() - began) / 1e6
}

/**
 * The peers, each in the newest version that can be installed and run here, with the versions of its own lock file
 * where today's break it (Portkey answers every stream with 500 with hono's newest).
 */
const peers = {
  portkey: {
    dependencies: { '@portkey-ai/gateway': '1.15.2' },
    overrides: { hono: '4.9.7', '@hono/node-server': '1.13.5' },
  },
  'claude-code-router': { dependencies: { '@musistudio/claude-code-router': '2.0.0' }, overrides: {} },
}

/** @param {keyof typeof peers} name */
async function install(name) {
  const folder = join(peersFolder, name)
  if (existsSync(join(folder, 'node_modules'))) return folder
  const { mkdir, writeFile } = await import('node:fs/promises')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: `peer-${name}`, private: true, ...peers[name] }))
  console.log(`installing ${JSON.stringify(peers[name].dependencies)} …`)
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder })
  return folder
}

/** The end of a file: a long run writes more of a log than a string can hold. @param {string} file @param {number} bytes */
function tailOf(file, bytes) {
  const fd = openSync(file, 'r')
  try {
    const size = fstatSync(fd).size
    const tail = Buffer.alloc(Math.min(size, bytes))
    readSync(fd, tail, 0, tail.length, size - tail.length)
    return tail.toString('utf8')
  } finally {
    closeSync(fd)
  }
}

/** @param {string} name @param {string[]} command @param {Record<string, string>} env @param {string | null} core @param {string} cwd */
function spawnPeer(name, command, env, core, cwd) {
  const [file, ...args] = core === null ? command : ['taskset', '-c', core, ...command]
  mkdirSync(join(bench, '.work'), { recursive: true })
  const output = openSync(join(bench, '.work', `${name}.log`), 'w')
  const all = { ...process.env, NODE_ENV: 'production', ...env }
  return spawn(String(file), args, { cwd, stdio: ['ignore', output, output], env: all })
}

/** @param {number} upstreamPort @param {{ core: string | null }} how @returns {Promise<Target>} */
export async function startPortkey(upstreamPort, { core }) {
  const folder = await install('portkey')
  const port = await freePort()
  const cwd = join(folder, 'node_modules', '@portkey-ai', 'gateway')
  const command = [process.execPath, 'build/start-server.js', `--port=${port}`, '--headless']
  const child = spawnPeer('portkey', command, {}, core, cwd)
  await answering(port, '/', 30)
  const to = { 'x-portkey-provider': 'anthropic', 'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1` }
  tellOfDeath(child, 'portkey')
  return peerTarget('portkey', port, { ...callerKey, ...to }, child)
}

/** @param {number} upstreamPort @param {{ core: string | null }} how @returns {Promise<Target>} */
export async function startRouter(upstreamPort, { core }) {
  const folder = await install('claude-code-router')
  const port = await freePort()
  const home = join(folder, 'home')
  const { mkdir, writeFile } = await import('node:fs/promises')
  await mkdir(join(home, '.claude-code-router'), { recursive: true })
  const model = 'claude-sonnet-4-5-20250929'
  const provider = {
    name: 'bench',
    api_base_url: `http://127.0.0.1:${upstreamPort}/v1/messages`,
    api_key: 'sk-ant-bench',
    models: [model],
    transformer: { use: ['Anthropic'] },
  }
  const config = {
    LOG: false,
    HOST: '127.0.0.1',
    PORT: port,
    APIKEY: callerKey['x-api-key'],
    NON_INTERACTIVE_MODE: true,
    API_TIMEOUT_MS: 600_000,
    Providers: [provider],
    Router: { default: `bench,${model}` },
  }
  await writeFile(join(home, '.claude-code-router', 'config.json'), JSON.stringify(config))
  const cli = join(folder, 'node_modules', '@musistudio', 'claude-code-router', 'dist', 'cli.js')
  const child = spawnPeer('claude-code-router', [process.execPath, cli, 'start'], { HOME: home }, core, folder)
  await answering(port, '/', 30)
  tellOfDeath(child, 'claude-code-router')
  return peerTarget('claude-code-router', port, callerKey, child)
}

/** @param {string} name @param {number} port @param {Record<string, string>} headers @param {import('node:child_process').ChildProcess} child @returns {Target} */
function peerTarget(name, port, headers, child) {
  return {
    name,
    port,
    path,
    headers,
    pids: () => ({ worker: [Number(child.pid)] }),
    settle: nothingPutOff,
    close: async () => void (await stop(child)),
  }
}

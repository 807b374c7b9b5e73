#!/usr/bin/env node
/**
 * Drives the gateway with the real Claude Code CLI and holds what it was told, what the ledger says, what the provider
 * served and what its transcripts tell when they are imported equal. The provider is the simulated one, run in this
 * process; the gateway is `dist/main.js start` with a data directory of its own.
 *
 *     npm run test:claude-code                  the gateway in between
 *     npm run test:claude-code -- --direct      the CLI against the simulated provider alone: checks this script
 *
 * --dist DIR takes another build than `dist/`, as it is. Nothing is left behind but `.claude-code/`, where the CLI stays installed.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { checkImport } from './claude-code/check-import.mjs'
import { checkLedger, checkTurn, createReport } from './claude-code/checks.mjs'
import { installClaudeCode } from './claude-code/install.mjs'

const deadlineMs = 170_000
const turnMs = 60_000
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const { values: flags } = parseArgs({
  options: { direct: { type: 'boolean', default: false }, dist: { type: 'string' } },
})
const dist = path.resolve(flags.dist ?? path.join(root, 'dist'))

const report = createReport()
const work = mkdtempSync(path.join(tmpdir(), 'signalbox-claude-code-'))
// Run as root, the embedded database runs under another user who has to get through to the data directory.
chmodSync(work, 0o711)
const cleanups = [() => rmSync(work, { recursive: true, force: true, maxRetries: 3 })]
const watchdog = setTimeout(() => finish(new Error(`not done within ${deadlineMs / 1000} s`)), deadlineMs)

let finishing = false
await run().then(
  () => finish(),
  (error) => finish(error),
)

async function run() {
  if (flags.dist === undefined) await build()
  const claude = await installClaudeCode(path.join(root, '.claude-code'))
  report.say(`Claude Code ${claude.version} on Node ${process.version}`)
  const provider = await startProvider()
  const gateway = flags.direct ? { url: provider.url } : await startGateway(provider.url)
  report.say(flags.direct ? 'directly at the simulated provider' : `through the gateway at ${gateway.url}`)

  const home = path.join(work, 'home')
  const project = path.join(work, 'project')
  for (const directory of [home, project]) mkdirSync(directory)
  const ask = (title, args, expected) =>
    askClaude({ title, args, expected, claude, baseUrl: gateway.url, home, project, provider })

  const plain = await ask('a plain prompt', ['say: The signal at box seven is green.'], {
    result: 'The signal at box seven is green.',
    turns: 1,
  })
  // The answers come from the shell: the provider can not know a product or the content of a file.
  const loop = await ask(
    'a tool loop',
    ['run: echo $((6*7)) semaphores > box.txt\nrun: cat box.txt', '--allowedTools', 'Bash'],
    {
      result: 'The command printed:\n\n42 semaphores',
      turns: 3,
    },
  )
  report.equal('the tool wrote its file', readFileSync(path.join(project, 'box.txt'), 'utf8'), '42 semaphores\n')
  const again = await ask('the conversation goes on', ['say: Line clear.', '--continue'], {
    result: 'Line clear.',
    turns: 1,
  })
  report.equal('--continue keeps the session', again.sessionId, loop.sessionId)
  report.check('two runs are two sessions', plain.sessionId !== loop.sessionId)
  report.check(
    'the second turn reads the prompt cache',
    loop.calls[1]?.answer.usage.cacheRead > 1_000,
    `cacheRead ${loop.calls[1]?.answer.usage.cacheRead}`,
  )
  if (flags.direct) return
  const turns = [plain, loop, again]
  await checkLedger({ report, gateway, turns })
  await checkImport({
    report,
    gateway,
    main: path.join(dist, 'main.js'),
    transcripts: path.join(home, '.claude'),
    emptyDataDir: path.join(work, 'data-of-imports'),
    calls: turns.flatMap((turn) => turn.calls).length,
  })
}

/** One run of the CLI, checked against what the provider served to it. */
async function askClaude({ title, args, expected, claude, baseUrl, home, project, provider }) {
  const before = provider.served().length
  const [prompt, ...more] = args
  const outcome = await runClaude(claude.binary, ['-p', prompt, '--output-format', 'json', ...more], {
    cwd: project,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      ANTHROPIC_API_KEY: 'sk-ant-test',
      ANTHROPIC_BASE_URL: baseUrl,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
  })
  const calls = provider.served().slice(before)
  return checkTurn({ report, title, outcome, calls, expected })
}

function runClaude(binary, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: turnMs,
      killSignal: 'SIGKILL',
    })
    const output = { stdout: '', stderr: '' }
    const stop = () => child.kill('SIGKILL')
    cleanups.push(stop)
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ ...output, code, signal }))
  })
}

/** The simulated provider on a free port, keeping a log of what it served. */
async function startProvider() {
  const load = (file) => import(pathToFileURL(path.join(dist, file)).href)
  const [{ createSimulator }, { simulatorConfig }, { systemClock }] = await Promise.all([
    load('simulator/simulator.js'),
    load('simulator/config.js'),
    load('core/clock.js'),
  ])
  const pace = { ttftMs: { median: 20, sigma: 0 }, tokensPerSecond: { median: 2_000, sigma: 0 } }
  const simulator = createSimulator({
    config: simulatorConfig.parse({ servedLog: 1_000, ...pace }),
    clock: systemClock,
  })
  const server = createServer((request, response) => simulator.handle(request, response))
  const port = await listen(server)
  cleanups.push(() => {
    simulator.close()
    server.closeAllConnections()
    server.close()
  })
  const isCall = (call) => call.method === 'POST' && call.url.startsWith('/v1/messages')
  return {
    url: `http://127.0.0.1:${port}`,
    served: () => simulator.served().filter(isCall),
    all: () => simulator.served(),
  }
}

/** `signalbox start` with the simulated provider as its default route; its output is shown when something is wrong. */
async function startGateway(upstreamUrl) {
  const [proxyPort, dashboardPort] = [await freePort(), await freePort()]
  const dashboardKey = `test-${process.pid}-${Date.now()}`
  const dataDir = path.join(work, 'data')
  const child = spawn(process.execPath, [path.join(dist, 'main.js'), 'start'], {
    cwd: work,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATA_DIR: dataDir,
      PROXY_PORT: String(proxyPort),
      DASHBOARD_PORT: String(dashboardPort),
      DASHBOARD_API_KEY: dashboardKey,
      DEFAULT_PROVIDER: 'simulated',
      SIMULATED_UPSTREAM_URL: upstreamUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const state = { exited: false }
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => report.remember(text))
  const closed = new Promise((resolve) => child.on('close', resolve)).then(() => {
    state.exited = true
  })
  cleanups.push(async () => {
    child.kill('SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await closed
    clearTimeout(killer)
  })
  const url = `http://127.0.0.1:${proxyPort}`
  const dashboardUrl = `http://127.0.0.1:${dashboardPort}`
  for (;;) {
    if (state.exited) throw new Error('the gateway ended before it was ready')
    const healthy = await Promise.all([`${url}/health`, `${dashboardUrl}/health`].map((address) => isOk(address)))
    if (healthy.every(Boolean)) return { url, dashboardUrl, dashboardKey, dataDir }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function isOk(url) {
  try {
    return (await fetch(url)).ok
  } catch {
    return false // not listening yet
  }
}

async function freePort() {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

function listen(server) {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

async function finish(error) {
  if (finishing) return
  finishing = true
  if (error !== undefined) report.check(`it ran to its end: ${error.message}`, false)
  for (const cleanup of cleanups.reverse()) await cleanup()
  clearTimeout(watchdog)
  process.exit(report.conclude())
}

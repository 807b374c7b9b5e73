#!/usr/bin/env node
// Starts Signalbox with the simulated provider on free ports and runs the monitoring guides' own snippets against it: on the
// embedded database, then on a PostgreSQL server where this machine has one. ONLY=embedded|server runs one of them.
// The runner of the snippets lives outside this project: CONFORMANCE names it; without one there is nothing to run.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { findServerBinaries, startServer } from '../bench/ledger/lib/servers.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const runner = path.resolve(process.env.CONFORMANCE ?? path.join(root, '../shared/conformance/seeds.mjs'))

async function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function answers(url) {
  for (let tries = 0; tries < 300; tries++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await sleep(200)
  }
  throw new Error(`${url} does not answer`)
}

async function main() {
  if (!existsSync(runner)) {
    console.log('SKIP conformance: no runner of the snippets here (set CONFORMANCE)')
    return 0
  }
  const { ONLY } = process.env
  const status = ONLY === 'server' ? 0 : await runOn(null)
  if (status !== 0 || ONLY === 'embedded') return status
  if (findServerBinaries() === null) {
    console.log('SKIP conformance on a server: no PostgreSQL server on this machine')
    return ONLY === 'server' ? 1 : 0
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-conformance-server-'))
  const server = await startServer(folder, { shared_preload_libraries: 'pg_stat_statements' })
  try {
    // What docs/database.md asks an operator to do once.
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    await client.query('create extension if not exists pg_stat_statements')
    await client.end()
    return await runOn(server.url)
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The exit status of the runner, against an instance on this database; null: on its own. */
async function runOn(databaseUrl) {
  console.log(`\n--- on ${databaseUrl === null ? 'the embedded database' : 'a PostgreSQL server'}`)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-conformance-'))
  const [proxyPort, dashboardPort] = [await freePort(), await freePort()]
  const logFile = path.join(folder, 'log', 'app.log')
  const dashboardKey = 'conformance-dashboard-key'
  const instance = spawn(process.execPath, [path.join(root, 'dist/main.js'), 'start'], {
    cwd: folder,
    env: {
      ...process.env,
      DATA_DIR: path.join(folder, 'data'),
      PROXY_PORT: String(proxyPort),
      DASHBOARD_PORT: String(dashboardPort),
      DASHBOARD_API_KEY: dashboardKey,
      DEFAULT_PROVIDER: 'simulated',
      LOG_FILE: logFile,
      ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    const proxy = `http://127.0.0.1:${proxyPort}`
    const dashboard = `http://127.0.0.1:${dashboardPort}`
    await answers(`${proxy}/health`)
    await answers(`${dashboard}/health`)
    const url = databaseUrl ?? JSON.parse(readFileSync(path.join(folder, 'data/connection.json'), 'utf8')).url
    const options = [
      '--proxy',
      proxy,
      '--dashboard',
      dashboard,
      '--dashboard-key',
      dashboardKey,
      '--database',
      url,
      '--log-file',
      logFile,
    ]
    const run = spawn(process.execPath, [runner, ...options, ...process.argv.slice(2)], { stdio: 'inherit' })
    return await new Promise((resolve) => run.on('exit', (code) => resolve(code ?? 1)))
  } finally {
    instance.kill('SIGTERM')
    await new Promise((resolve) => instance.once('exit', resolve))
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exit(await main())

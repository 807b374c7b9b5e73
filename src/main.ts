#!/usr/bin/env node
/** The program: arguments to exit status. It has the only `process.exit`. */
import cluster from 'node:cluster'
import type { Programs } from './cli/programs.ts'

// Before anything else is loaded: without a handler, SIGUSR1 (logrotate's signal) makes Node open its debugger port.
process.on('SIGUSR1', () => undefined)

// Parts are loaded when a command needs them: `--help` should not wait for a database driver.
const programs: Programs = {
  serve: async (options) => (await import('./app/programs.ts')).serve(options),
  explainRoute: async (config, call) => (await import('./app/programs.ts')).explainRoute(config, call),
  checkProviders: async (config, name) => (await import('./app/check-providers.ts')).checkConfigured(config, name),
  migrate: async (config, work) => (await import('./app/programs.ts')).migrate(config, work),
  planMigration: async (config) => (await import('./app/programs.ts')).planMigration(config),
  openKeys: async (config) => (await import('./app/programs.ts')).openKeys(config),
  importTranscripts: async (...args) => (await import('./app/history.ts')).importTranscripts(...args),
  importCsvFile: async (...args) => (await import('./app/history.ts')).importCsvFile(...args),
  exportLedger: async (...args) => (await import('./app/history.ts')).exportLedger(...args),
  backup: async (config, options, work) => (await import('./app/backup.ts')).backup(config, options, work),
  setAside: async (config) => (await import('./app/set-aside.ts')).setAside(config),
  replaySetAside: async (config) => (await import('./app/set-aside.ts')).replay(config),
  openRestore: async (config, options) => (await import('./app/backup.ts')).openRestore(config, options),
}

/** A child of a running instance is a gateway worker and is told all it needs by its office. */
async function runWorker(): Promise<number> {
  const { runGatewayWorker } = await import('./app/worker.ts')
  await runGatewayWorker()
  return 0
}

async function runCommand(): Promise<number> {
  const { runCli } = await import('./cli/cli.ts')
  const { processTerminal } = await import('./cli/terminal.ts')
  const { packageVersion } = await import('./app/version.ts')
  const args = process.argv.slice(2)
  return runCli(args, { programs, terminal: processTerminal, version: packageVersion() })
}

process.exit(await (cluster.isWorker ? runWorker() : runCommand()))

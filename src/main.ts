#!/usr/bin/env node
/** The program: arguments to exit status. It has the only `process.exit`, and is the gateway worker where it is started as one. */
import cluster from 'node:cluster'

// Before anything else is loaded: without a handler, SIGUSR1 (logrotate's signal) makes Node open its debugger port.
process.on('SIGUSR1', () => undefined)

const { runCli } = await import('./cli/cli.ts')
const { configOf, serveWith } = await import('./cli/serve.ts')
const { processTerminal } = await import('./cli/terminal.ts')
const { packageVersion } = await import('./app/version.ts')

// Parts are loaded when a command needs them: `--help` should not wait for a database driver.
const programs: import('./cli/programs.ts').Programs = {
  run: async (options) => (await import('./app/run-signalbox.ts')).runSignalbox(options),
  migrate: async (config) => (await import('./app/maintenance.ts')).migrateDatabase(config),
  openKeys: async (config) => (await import('./app/maintenance.ts')).openClientKeys(config),
}

/** A worker is started with the arguments of its office and so finds the same settings; what was said of them stays said once. */
const serveAsWorker: import('./cli/serve.ts').Serve = async (command) => {
  const { runGatewayWorker } = await import('./app/worker.ts')
  await runGatewayWorker(configOf(command, { ...processTerminal, err: () => undefined }))
}

const code = await runCli(process.argv.slice(2), {
  programs,
  serve: cluster.isWorker ? serveAsWorker : serveWith(programs, processTerminal),
  terminal: processTerminal,
  version: packageVersion(),
  debug: process.argv.includes('--debug'),
})
process.exit(code)

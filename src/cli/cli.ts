/** The command line: from arguments to an exit status. */
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/mistake.ts'
import { addBackup } from './backup.ts'
import { addCheckConfig } from './check-config.ts'
import { addDashboard } from './dashboard.ts'
import { addDemo } from './demo.ts'
import { addExport } from './export.ts'
import { addImport } from './import.ts'
import { InterruptedError } from './interruptible.ts'
import { addJournal } from './journal.ts'
import { addKeys } from './keys.ts'
import { addMigrate } from './migrate.ts'
import type { Programs } from './programs.ts'
import { addProviders } from './providers.ts'
import { addProxy } from './proxy.ts'
import { addRestore } from './restore.ts'
import { addRoute } from './route.ts'
import { addStart } from './start.ts'
import { addStats } from './stats.ts'
import { explainSystemError } from './system-error.ts'
import { addTail } from './tail.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** The command line, ready to be run. */
export interface Cli {
  readonly programs: Programs
  readonly terminal: Terminal
  readonly version: string
}

/** Runs one command; the exit status. Never throws. */
export async function runCli(args: readonly string[], cli: Cli): Promise<number> {
  try {
    await createProgram(cli).parseAsync(args, { from: 'user' })
    return exitCode.ok
  } catch (error) {
    return tell(error, cli)
  }
}

function createProgram({ programs, terminal, version }: Cli): Command {
  const program = new Command('signalbox')
    .description('An LLM gateway that watches itself.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showSuggestionAfterError()
  addStart(program, programs, terminal)
  addProxy(program, programs, terminal)
  addDashboard(program, programs, terminal)
  addDemo(program, programs, terminal)
  addCheckConfig(program, terminal)
  addRoute(program, programs, terminal)
  addMigrate(program, programs, terminal)
  addBackup(program, programs, terminal)
  addRestore(program, programs, terminal)
  addImport(program, programs, terminal)
  addExport(program, programs, terminal)
  addKeys(program, programs, terminal)
  addProviders(program, programs, terminal)
  addJournal(program, programs, terminal)
  addStats(program, terminal)
  addTail(program, terminal)
  return program
}

/** Says a failure in its own words. A stack is for defects, and for those who ask for it. */
function tell(error: unknown, { terminal }: Cli): number {
  // The parser has said it already; --help and --version come this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.misuse
  if (error instanceof ConfigError) {
    terminal.err(`${error.message}\n`)
    return exitCode.misuse
  }
  if (!(error instanceof Error)) {
    terminal.err(`error: ${String(error)}\n`)
    return exitCode.failed
  }
  // Somebody wished it: that is no error.
  if (error instanceof InterruptedError) {
    terminal.err(`${error.message}\n`)
    return error.code
  }
  const explained = terminal.showStacks ? null : explainSystemError(error)
  if (explained !== null) {
    terminal.err(`error: ${explained}\n`)
    return exitCode.failed
  }
  const isDefect = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
  terminal.err(`error: ${terminal.showStacks || isDefect ? (error.stack ?? error.message) : error.message}\n`)
  return error instanceof CommandError ? error.code : exitCode.failed
}

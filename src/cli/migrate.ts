import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox migrate`: for those who want it done before the new version starts; `start` does it by itself. */
export function addMigrate(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('migrate'))
    .description('Bring the database to this version (start does it by itself).')
    .action(async (_options: unknown, command: Command) => {
      const steps = await programs.migrate(loadFor(command, terminal).config)
      terminal.out(steps.length === 0 ? 'The database was up to date.\n' : `Applied: ${steps.join(', ')}.\n`)
    })
}

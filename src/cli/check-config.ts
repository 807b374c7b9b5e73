import type { Command } from 'commander'
import { renderEffectiveConfig } from '../config/print.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox check-config`: a mistake is an exit status of 2, else the settings in effect are printed as YAML. */
export function addCheckConfig(program: Command, terminal: Terminal): void {
  withSettingFlags(program.command('check-config'))
    .description('Check the settings; print those in effect with the origin of each, secrets masked.')
    .action((_options: unknown, command: Command) => {
      const loaded = loadFor(command, terminal)
      terminal.err(`The settings are right (${loaded.file ?? 'no file; defaults, environment and flags alone'}).\n`)
      terminal.out(renderEffectiveConfig(loaded))
    })
}

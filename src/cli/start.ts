import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox start` */
export function addStart(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('start'))
    .description('Run everything on this machine: database, proxy and dashboard.')
    .action((_options: unknown, command: Command) =>
      serve({ command, programs, terminal, part: 'all', traffic: false }),
    )
}

import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox proxy` */
export function addProxy(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('proxy'))
    .description('Run the data plane alone; many of them share one DATABASE_URL.')
    .action((_options: unknown, command: Command) =>
      serve({ command, programs, terminal, part: 'proxy', traffic: false }),
    )
}

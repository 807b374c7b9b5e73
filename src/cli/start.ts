import type { Command } from 'commander'
import type { Serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'

export function addStart(program: Command, serve: Serve): void {
  withSettingFlags(program.command('start'))
    .description('Run everything on this machine: database, proxy and dashboard.')
    .action((_options: unknown, command: Command) => serve({ command, part: 'all', traffic: false }))
}

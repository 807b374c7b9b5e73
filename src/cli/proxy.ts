import type { Command } from 'commander'
import type { Serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'

export function addProxy(program: Command, serve: Serve): void {
  withSettingFlags(program.command('proxy'))
    .description('Run the data plane alone; many of them share one DATABASE_URL.')
    .action((_options: unknown, command: Command) => serve({ command, part: 'proxy', traffic: false }))
}

import type { Command } from 'commander'
import type { Serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'

export function addDashboard(program: Command, serve: Serve): void {
  withSettingFlags(program.command('dashboard'))
    .description('Run the dashboard and its API alone.')
    .action((_options: unknown, command: Command) => serve({ command, part: 'dashboard', traffic: false }))
}

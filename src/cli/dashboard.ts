import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

export function addDashboard(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('dashboard'))
    .description('Run the dashboard and its API alone, on the DATABASE_URL of proxies elsewhere.')
    .action((_options: unknown, command: Command) =>
      serve({ command, programs, terminal, part: 'dashboard', traffic: false }),
    )
}

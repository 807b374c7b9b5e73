import type { Command } from 'commander'
import type { Config } from '../config/schema.ts'
import type { Programs } from './programs.ts'
import { serve } from './serve.ts'
import { withSettingFlags } from './setting-flags.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** `signalbox dashboard` */
export function addDashboard(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('dashboard'))
    .description('Run the dashboard and its API alone, on the DATABASE_URL of proxies elsewhere.')
    .action((_options: unknown, command: Command) =>
      serve({ command, programs, terminal, part: 'dashboard', traffic: false, adjust: withDatabase }),
    )
}

/** A dashboard shows what proxies elsewhere wrote; a database of its own would stay empty for ever. */
function withDatabase(config: Config): Config {
  if (config.store.databaseUrl !== undefined) return config
  throw new CommandError(
    'signalbox dashboard shows the calls of proxies that run elsewhere: set DATABASE_URL to their database. For everything on one machine there is signalbox start.',
    exitCode.misuse,
  )
}

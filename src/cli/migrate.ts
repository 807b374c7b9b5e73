import type { Command } from 'commander'
import { runLongWork } from './interruptible.ts'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox migrate`: for those who want it done before the new version starts; `start` does it by itself. */
export function addMigrate(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('migrate'))
    .description('Bring the database to this version (start does it by itself).')
    .option('--dry-run', 'show what would run, as SQL, and change nothing')
    .action(async (options: { readonly dryRun?: boolean }, command: Command) => {
      const { config } = loadFor(command, terminal)
      if (options.dryRun === true) {
        const steps = await programs.planMigration(config)
        terminal.out(steps.length === 0 ? '-- The database is up to date.\n' : steps.map(inSql).join('\n'))
        return
      }
      const long = {
        label: 'Migrating',
        unit: 'steps',
        afterInterrupt: 'Nothing was changed. Run the same command again.',
      }
      const steps = await runLongWork(terminal, long, (work) => programs.migrate(config, work))
      terminal.out(steps.length === 0 ? 'The database was up to date.\n' : `Applied: ${steps.join(', ')}.\n`)
    })
}

/** Names as comments, so that the whole is a script that can be read, kept and compared. */
const inSql = ({ name, sql }: { readonly name: string; readonly sql: string }): string => `-- ${name}\n${sql.trim()}\n`

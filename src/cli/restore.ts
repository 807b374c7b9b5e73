import type { Command } from 'commander'
import { runLongWork } from './interruptible.ts'
import type { Programs, Restore } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

const nothingChanged = { afterInterrupt: 'The database is as it was before; run it again.' }

/** `signalbox restore FILE`: all of a backup, or nothing. */
export function addRestore(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('restore'))
    .description('Put a backup into the database: all of it, or nothing.')
    .argument('<FILE>', 'what `signalbox backup` wrote')
    .option('--force', 'replace the ledger that is there, even under a running instance')
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      const { config } = loadFor(command, terminal)
      if (file === '-')
        throw new CommandError('A restore reads the file twice, to check it first: name a file.', exitCode.misuse)
      const force = options.force === true
      const opening = { label: 'Opening the database', ...nothingChanged }
      const restore = await runLongWork(terminal, opening, ({ signal }) =>
        programs.openRestore(config, { file, force, signal }),
      )
      try {
        const { created_at: madeAt, signalbox_version: madeBy } = restore.manifest
        terminal.err(`Backup of ${madeAt.slice(0, 16).replace('T', ' ')} UTC, made by Signalbox ${madeBy}.\n`)
        const checking = { label: 'Checking the file', unit: 'bytes', total: restore.fileBytes, ...nothingChanged }
        const { summary } = await runLongWork(terminal, checking, (work) => restore.check(work))
        const total = summary.tables.reduce((sum, { rows }) => sum + rows, 0)
        const loading = { label: 'Restoring', unit: 'rows', total, ...nothingChanged }
        const pepper = await runLongWork(terminal, loading, (work) => restore.load(work))
        terminal.out(`Restored: ${total.toLocaleString('en-US')} rows.\n`)
        terminal.err(aboutPepper[pepper])
      } finally {
        await restore.close()
      }
    })
}

const aboutPepper: Readonly<Record<Awaited<ReturnType<Restore['load']>>, string>> = {
  same: '',
  'not-needed': '',
  restored: 'The key pepper is restored too: client keys work again. Restart what runs on this data directory.\n',
  'configured-differs':
    'warning: KEY_PEPPER is not the one that the restored client keys were made under: they will be refused until it is.\n',
  missing:
    'warning: the backup is without the key pepper. Its client keys are refused until KEY_PEPPER, or key-pepper in the data directory, is the one that they were made under.\n',
}

import type { Command } from 'commander'
import { runLongWork } from './interruptible.ts'
import type { Programs } from './programs.ts'
import { bytes } from './progress.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** `signalbox backup FILE`: the ledger as it is this moment, while everything runs. */
export function addBackup(program: Command, programs: Programs, terminal: Terminal): void {
  withSettingFlags(program.command('backup'))
    .description('Write the ledger and the client keys to one file, while everything runs.')
    .argument('<FILE>', 'a file, a directory (the file is then named after the time), or - for standard output')
    .option('--without-pepper', 'leave out what client keys are hashed with (docs/backup.md)')
    .action(async (file: string, options: { withoutPepper?: boolean }, command: Command) => {
      const { config } = loadFor(command, terminal)
      const target = file === '-' ? null : file
      if (target === null && terminal.outIsTty)
        throw new CommandError('A backup is no text: name a file, or send standard output to one.', exitCode.misuse)
      const withPepper = options.withoutPepper !== true && config.backup.withPepper
      const long = { label: 'Backup', unit: 'rows', afterInterrupt: 'No file was written; run it again.' }
      const made = await runLongWork(terminal, long, (work) => programs.backup(config, { target, withPepper }, work))
      const rows = `${made.rows.toLocaleString('en-US')} ${made.rows === 1 ? 'row' : 'rows'}`
      if (made.file === null || made.bytes === null) return terminal.err(`Backup of ${rows} written.\n`)
      terminal.out(`Backup of ${rows} in ${made.file} (${bytes(made.bytes)}).\n`)
      if (!made.withPepper)
        terminal.err('It is without the key pepper: keep KEY_PEPPER or DATA_DIR/key-pepper as well.\n')
    })
}

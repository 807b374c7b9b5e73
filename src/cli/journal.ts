import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox journal …`: records that could not be stored. See docs/runbooks/set-aside.md. */
export function addJournal(program: Command, programs: Programs, terminal: Terminal): void {
  const journal = program.command('journal').description('Records that could not be stored.')
  withSettingFlags(journal.command('set-aside'))
    .description('Count what was set aside, by reason.')
    .action(async (_options: unknown, command: Command) => {
      const { directory, reasons, damagedFiles } = await programs.setAside(loadFor(command, terminal).config)
      for (const { reason, records } of reasons) terminal.out(`${records}\t${reason}\n`)
      if (damagedFiles > 0) terminal.out(`${damagedFiles}\tdamaged parts of the journal (*.raw)\n`)
      const nothing = reasons.length === 0 && damagedFiles === 0
      terminal.err(nothing ? 'Nothing is set aside.\n' : `The records are in ${directory}.\n`)
    })
  withSettingFlags(journal.command('replay-set-aside'))
    .description('Try again to store what was set aside; what is refused again stays there.')
    .action(async (_options: unknown, command: Command) => {
      const { stored, known, left } = await programs.replaySetAside(loadFor(command, terminal).config)
      terminal.out(`${stored} stored, ${known} were stored already, ${left} stay set aside.\n`)
    })
}

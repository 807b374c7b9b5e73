import path from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { claudeConfigDir } from '../config/claude-config-dir.ts'
import type { ImportedCsv, ImportedTranscripts } from './history-programs.ts'
import { runLongWork } from './interruptible.ts'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { printable } from './table.ts'
import { CommandError, type Terminal } from './terminal.ts'

const again = 'What was imported stays. Run the same command again: it goes on where it was, nothing is imported twice.'

/** `signalbox import claude-code|csv`: history of other programs, marked as such. */
export function addImport(program: Command, programs: Programs, terminal: Terminal): void {
  const importing = program
    .command('import')
    .description('Bring history of other programs into the ledger, marked as imported.')
  withSettingFlags(importing.command('claude-code'))
    .description("Claude Code's own transcripts: ids, models, counts and times of calls, nothing of what was said.")
    .argument('[DIR]', 'the directory that has "projects" in it (default: CLAUDE_CONFIG_DIR, else ~/.claude)')
    .option('--domain <NAME>', 'the domain of all rows (default: each project is a domain)', nameOf)
    .action(async (directory: string | undefined, options: { domain?: string }, command: Command) => {
      const { config } = loadFor(command, terminal)
      const place = directory === undefined ? claudeConfigDir() : path.resolve(directory)
      const done = await runLongWork(terminal, { label: 'Importing', unit: 'bytes', afterInterrupt: again }, (work) =>
        programs.importTranscripts(config, { directory: place, domain: options.domain }, work),
      )
      terminal.out(renderTranscripts(done, place))
      tellWhere(done, terminal)
    })
  withSettingFlags(importing.command('csv'))
    .description('A CSV file with the columns of `signalbox export` (docs/import-export.md).')
    .argument('<FILE>', 'the file')
    .option('--domain <NAME>', 'the domain of rows that name none', nameOf, 'import')
    .option('--map <OURS=THEIRS>', 'a column of the file under another name; repeatable', collectMap, {})
    .option('--skip-invalid', 'leave out rows that are wrong; else one of them stops the whole import', false)
    .option('--ignore-unknown', 'pass over columns that are none of ours', false)
    .action(async (file: string, options: CsvOptions, command: Command) => {
      const { config } = loadFor(command, terminal)
      const { domain, map, skipInvalid, ignoreUnknown } = options
      const csv = { file: path.resolve(file), domain, map, skipInvalid, ignoreUnknown }
      const done = await runLongWork(terminal, { label: 'Importing', unit: 'bytes', afterInterrupt: again }, (work) =>
        programs.importCsvFile(config, csv, work),
      )
      terminal.err(renderMistakes(done))
      if (done.refused)
        throw new CommandError(
          `Nothing was imported: ${count(done.invalid)} of ${count(done.rows)} rows are wrong. Correct them, or leave them out with --skip-invalid.`,
        )
      terminal.out(renderCsv(done))
      tellWhere(done, terminal)
    })
}

/** No figure counts imported calls unasked, so whoever looks for them has to be told how to ask. */
function tellWhere({ imported, alreadyThere }: { imported: number; alreadyThere: number }, terminal: Terminal): void {
  if (imported + alreadyThere > 0)
    terminal.err('Figures leave imported calls out unless asked: signalbox stats --source import --last 52w\n')
}

interface CsvOptions {
  readonly domain: string
  readonly map: Readonly<Record<string, string>>
  readonly skipInvalid: boolean
  readonly ignoreUnknown: boolean
}

function nameOf(text: string): string {
  if (text.trim() === '' || text.length > 100) throw new InvalidArgumentError('It needs 1 to 100 characters.')
  return text
}

function collectMap(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Write it as OURS=THEIRS, such as model=engine.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function renderTranscripts(done: ImportedTranscripts, place: string): string {
  const { skipped } = done
  return lines([
    ['files', `${count(done.files)} below ${place}`],
    ['messages', count(done.messages)],
    ['imported', count(done.imported)],
    ['already there', count(done.alreadyThere)],
    ['measured', done.measured, 'this gateway forwarded them and knows better'],
    ['repeated', done.repeated, 'copies in forked conversations'],
    ['unfinished', skipped.unfinished, 'still being written; import again later'],
    ['synthetic', skipped.synthetic, 'lines of the program itself, no calls'],
    ['failed', skipped.api_error, 'calls that ended in an error, which transcripts do not count'],
    ['without usage', skipped.no_usage],
    ['without id', skipped.no_id],
    ['without time', skipped.no_time],
    ['broken lines', done.brokenLines, 'torn or damaged'],
    ['long lines', done.tooLongLines, 'over 16 MiB'],
    ['links', done.links, 'not followed'],
    ['unreadable', done.unreadableTotal, done.unreadable.join(', ')],
    ['refused', done.rejected, done.rejectedReasons.join(', ')],
  ])
}

function renderCsv(done: ImportedCsv): string {
  return lines([
    ['rows', count(done.rows)],
    ['imported', count(done.imported)],
    ['already there', count(done.alreadyThere)],
    ['left out', done.invalid, 'wrong, see above'],
    ['refused', done.rejected, done.rejectedReasons.join(', ')],
  ])
}

function renderMistakes({ mistakes, invalid }: ImportedCsv): string {
  const shown = mistakes.map(({ line, column, message }) =>
    printable(`line ${line}${column === null ? '' : `, ${column}`}: ${message}`),
  )
  const more = invalid > mistakes.length ? [`… and more; ${count(invalid)} rows are wrong in all`] : []
  return [...shown, ...more].map((line) => `${line}\n`).join('')
}

/** A line for each figure; those that are 0 and only sometimes of interest (numbers) are left out. */
function lines(figures: readonly (readonly [name: string, value: string | number, note?: string])[]): string {
  return figures
    .filter(([, value]) => value !== 0)
    .map(([name, value, note]) => {
      const told = typeof value === 'number' ? count(value) : value
      return `${name.padEnd(14)} ${printable(told)}${note === undefined || note === '' ? '' : `  (${printable(note)})`}\n`
    })
    .join('')
}

const count = (value: number): string => value.toLocaleString('en-US')

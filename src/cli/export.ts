import path from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { exportEndpoint } from '../contract/export.ts'
import { instant } from '../contract/scalars.ts'
import { systemClock } from '../core/clock.ts'
import { runLongWork } from './interruptible.ts'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** `signalbox export`: rows of the ledger as a file, through the database of the running instance where there is one. */
export function addExport(program: Command, programs: Programs, terminal: Terminal): void {
  const { format, source, outcome, status } = exportEndpoint.query.shape
  const oneOf = (flags: string, description: string, values: readonly string[]): Option =>
    new Option(flags, description).choices(values)
  withSettingFlags(program.command('export'))
    .description('Rows of the ledger as CSV, JSON or Parquet.')
    .addOption(oneOf('--format <FORMAT>', 'what to write', format.unwrap().options).default('csv'))
    .option('--from <TIME>', 'ISO 8601 or a date (UTC): calls from then on (default: all)', timeOf)
    .option('--to <TIME>', 'ISO 8601 or a date (UTC): calls before it (default: now)', timeOf)
    .addOption(oneOf('--source <SOURCE>', 'measured, imported, or both', source.unwrap().options).default('wire'))
    .option('--domain <NAME>', 'only this domain')
    .option('--account <NAME>', 'only what this account paid for')
    .option('--key <ID>', 'only calls with this client key')
    .option('--provider <NAME>', 'only this provider')
    .option('--model <NAME>', 'only answers of this model')
    .option('--session <ID>', 'only this conversation')
    .option('--error-type <TYPE>', 'only this type of error')
    .addOption(oneOf('--outcome <OUTCOME>', 'only this outcome', outcome.unwrap().options))
    .addOption(oneOf('--status <STATUS>', 'only such statuses', status.unwrap().options))
    .option('-o, --output <FILE>', 'the file to write (default: standard output)')
    .option('--force', 'replace the file if it is there', false)
    .action(async (options: ExportOptions, command: Command) => {
      const { config } = loadFor(command, terminal)
      if (options.output === undefined && options.format === 'parquet' && terminal.outIsTty)
        throw new CommandError('Parquet is nothing for a terminal. Name a file with --output.', exitCode.misuse)
      const to = options.to ?? systemClock.now()
      const from = options.from ?? Date.UTC(2020, 0, 1)
      if (from >= to) throw new CommandError('--to must be after --from.', exitCode.misuse)
      const file = options.output === undefined ? null : path.resolve(options.output)
      const left = file === null ? 'What was written is incomplete.' : 'No file was written.'
      const { rows } = await runLongWork(
        terminal,
        { label: 'Exporting', unit: 'rows', afterInterrupt: `${left} Run the same command again.` },
        (work) =>
          programs.exportLedger(
            config,
            {
              file,
              format: options.format,
              force: options.force,
              question: { from, to, source: options.source, filter: filterOf(options) },
            },
            work,
          ),
      )
      if (file !== null) terminal.err(`${rows.toLocaleString('en-US')} rows in ${file}\n`)
    })
}

interface ExportOptions {
  // The sets are checked by the parser of arguments, which has their members from the contract.
  readonly format: 'csv' | 'json' | 'jsonl' | 'parquet'
  readonly source: 'wire' | 'import' | 'all'
  readonly outcome?: Filter['outcome']
  readonly status?: Filter['status']
  readonly from?: number
  readonly to?: number
  readonly domain?: string
  readonly account?: string
  readonly key?: string
  readonly provider?: string
  readonly model?: string
  readonly session?: string
  readonly errorType?: string
  readonly output?: string
  readonly force: boolean
}

type Filter = Parameters<Programs['exportLedger']>[1]['question']['filter']

function filterOf(options: ExportOptions): Filter {
  const { domain, account, provider, model, errorType, outcome, status } = options
  return {
    domain,
    account,
    provider,
    model,
    errorType,
    outcome,
    status,
    keyId: options.key,
    sessionId: options.session,
  }
}

function timeOf(text: string): number {
  const parsed = instant.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'It is no time.')
}

import type { Command } from 'commander'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { printable, renderTable } from './table.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** `signalbox providers check [NAME]`: are addresses and keys right? Costs no tokens. Status 0 only where all are well. */
export function addProviders(program: Command, programs: Programs, terminal: Terminal): void {
  const providers = program.command('providers').description('The providers that calls can go to.')
  withSettingFlags(providers.command('check'))
    .description('Ask each provider that is set up, or one, with a call that costs no tokens.')
    .argument('[NAME]', 'only this one, such as groq')
    .option('--json', 'as JSON, for programs')
    .action(async (name: string | undefined, options: { readonly json?: boolean }, command: Command) => {
      const { config } = loadFor(command, terminal)
      const { checks, notOffered, names } = await programs.checkProviders(config, name ?? null)
      if (name !== undefined && !names.includes(name))
        throw new CommandError(`There is no provider "${name}". There are: ${names.join(', ')}.`, exitCode.misuse)
      if (options.json === true) terminal.out(`${JSON.stringify({ checks, not_offered: notOffered })}\n`)
      else terminal.out(render(checks, notOffered))
      const ill = [...checks.filter(({ status }) => status !== 'ok'), ...(name === undefined ? [] : notOffered)]
      if (ill.length > 0)
        throw new CommandError(
          `${ill.length} of ${checks.length + (name === undefined ? 0 : notOffered.length)} not well.`,
        )
    })
}

type Checked = Awaited<ReturnType<Programs['checkProviders']>>

function render(checks: Checked['checks'], notOffered: Checked['notOffered']): string {
  const rows = checks.map(({ provider, status, httpStatus, latencyMs }) => [
    ...[provider, status.replaceAll('_', ' '), httpStatus === null ? '-' : String(httpStatus), `${latencyMs} ms`],
  ])
  const table = rows.length === 0 ? '' : renderTable(['provider', 'status', 'http', 'latency'], rows)
  const advice = checks
    .filter((check) => check.advice !== '')
    .map((check) => `${check.provider}: ${printable(check.advice)}\n`)
  const missing = notOffered.map(({ name, missing: setting }) => `${name}: not offered, it needs ${setting}\n`)
  return [
    table,
    ...(advice.length > 0 ? ['\n', ...advice] : []),
    ...(missing.length > 0 ? ['\n', ...missing] : []),
  ].join('')
}

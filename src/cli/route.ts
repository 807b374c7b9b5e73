import { type Command, InvalidArgumentError } from 'commander'
import type { ExplainedRoute, ImaginedCall } from '../app/explain-route.ts'
import type { Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { printable, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox route explain`: where a call would go by the settings, and why. No instance need run. */
export function addRoute(program: Command, programs: Programs, terminal: Terminal): void {
  const route = program.command('route').description('Where calls go.')
  withSettingFlags(route.command('explain'))
    .description('Print where a call would go by the settings, and why.')
    .option('--model <MODEL>', 'the model that is asked for; none where it is left out, as for a list of models')
    .option('--domain <DOMAIN>', 'the domain of the client key', 'default')
    .option('--thinking', 'the request asks for thinking', false)
    .option('--images', 'an image is in the conversation', false)
    .option('--background', 'an auxiliary call: a small model, no tools', false)
    .option('--input-tokens <COUNT>', 'size of the prompt', wholeNumber, 0)
    .option('--header <NAME=VALUE>', 'a request header; repeatable', collectHeader, {})
    .option('--session <ID>', 'the session; targets of the same priority share sessions by weight')
    .option('--at <HH:MM>', 'time of day; now where it is left out', timeOfDay)
    .option('--json', 'print JSON', false)
    .action(async (_options: unknown, command: Command) => {
      const { config } = loadFor(command, terminal)
      const options = command.opts<Options>()
      const call: ImaginedCall = {
        model: options.model ?? null,
        domain: options.domain,
        headers: options.header,
        thinking: options.thinking,
        background: options.background,
        images: options.images,
        inputTokens: options.inputTokens,
        session: options.session ?? null,
        at: options.at ?? null,
      }
      const explained = await programs.explainRoute(config, call)
      terminal.out(options.json ? `${JSON.stringify(jsonOf(explained), null, 2)}\n` : render(explained, call))
    })
}

/** As declared above; the parser fills in the defaults. */
interface Options {
  readonly model?: string
  readonly domain: string
  readonly thinking: boolean
  readonly images: boolean
  readonly background: boolean
  readonly inputTokens: number
  readonly header: Readonly<Record<string, string>>
  readonly session?: string
  readonly at?: string
  readonly json: boolean
}

function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}

function timeOfDay(text: string): string {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) throw new InvalidArgumentError('Write it as HH:MM, such as 08:30.')
  return text
}

function collectHeader(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as NAME=VALUE, such as x-team=search.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

const jsonOf = ({ spelling, model, time, rules, decision, targets }: ExplainedRoute) => ({
  ...{ spelling, model, time, route: decision.rule, decided_by: decision.by },
  rules,
  targets: targets.map(({ maxConcurrent, ...target }) => ({ ...target, max_concurrent: maxConcurrent })),
})

function render(explained: ExplainedRoute, call: ImaginedCall): string {
  const { rules, targets } = explained
  const ruleLines = rules.map(({ name, verdict, failed }) => {
    const why = failed.map(({ condition, found }) => `${wordOf(condition)} (it is ${printable(found)})`).join(', ')
    return `  ${name}: ${verdict}${why === '' ? '' : `: ${why}`}\n`
  })
  const table = renderTable(
    ['', 'provider', 'model', 'priority', 'weight', 'share', ''],
    targets.map(({ provider, model, priority, weight, share, maxConcurrent, missing }, at) => [
      ...[`${at + 1}.`, provider, model ?? '(as asked)', String(priority), String(weight)],
      share === 0 ? '-' : `${(share * 100).toFixed(1)} %`,
      missing !== null
        ? `not offered: needs ${missing}`
        : maxConcurrent === null
          ? ''
          : `at most ${maxConcurrent} at once in each worker`,
    ]),
  )
  return [
    `${nameLine(explained, call)}\n`,
    ...(rules.length === 0 ? ['No routes are configured.\n'] : ['Routes, in order:\n', ...ruleLines]),
    `Decision: ${explained.decision.rule}. Targets in the order they are tried, if all are well:\n`,
    table,
    ...(call.session === null && targets.filter(({ share }) => share > 0).length > 1
      ? ['The order within a priority is drawn by session: name one with --session to see its own.\n']
      : []),
  ].join('')
}

function nameLine({ spelling, model, decision }: ExplainedRoute, { model: asked }: ImaginedCall): string {
  if (asked === null) return 'The call names no model.'
  const name = `“${printable(asked)}”`
  const [target] = decision.targets
  const place = `${target?.provider ?? ''}, model “${printable(target?.model ?? '')}”`
  if (spelling === 'explicit') return `${name} names the provider: ${place}. No route is asked.`
  if (spelling === 'plain') return `${name} is a plain model name.`
  if (decision.by === 'name') return `${name} is an alias of a provider’s model: ${place}. No route is asked.`
  return `${name} is an alias of “${printable(model ?? '')}”, which the routes are asked about.`
}

/** As the setting is called. */
const wordOf = (condition: string): string => (condition === 'minutes' ? 'hours' : condition)

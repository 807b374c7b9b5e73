import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type * as z from 'zod'
import { exchangeSources } from '../contract/scalars.ts'
import { stats } from '../contract/stats.ts'
import { currentUsage } from '../contract/token-usage.ts'
import { systemClock } from '../core/clock.ts'
import { createDashboardClient, type DashboardClient } from './dashboard-client.ts'
import { type QuotaWindow, renderStats } from './render-stats.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { parseSpan } from './span.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** `signalbox stats`: the figures of the last 24 hours, or of another range, from the running instance. */
export function addStats(program: Command, terminal: Terminal): void {
  withSettingFlags(program.command('stats'))
    .description('The main figures of the running instance (default: the last 24 hours).')
    .option('--last <SPAN>', 'such as 15m, 12h, 7d or 4w', parseLast)
    .option('--since <TIME>', 'ISO 8601, such as 2026-01-31 or 2026-01-31T09:00:00Z')
    .option('--until <TIME>', 'ISO 8601')
    .option('--domain <NAME>', 'only this domain')
    .addOption(new Option('--source <SOURCE>', 'measured (default), imported, or both').choices(sources))
    .option('--json', 'as JSON, for programs')
    .action(async (options: StatsOptions, command: Command) => {
      const query = toQuery(options)
      const client = createDashboardClient(loadFor(command, terminal).config)
      const found = await ask(client, `${stats.path}?${query}`, stats.response)
      const quota = await askQuota(client)
      terminal.out(options.json === true ? `${JSON.stringify({ ...found, quota })}\n` : renderStats(found, quota))
    })
}

const sources = [...exchangeSources, 'all'] as const

interface StatsOptions {
  /** Milliseconds. */
  readonly last?: number
  readonly since?: string
  readonly until?: string
  readonly domain?: string
  readonly source?: (typeof sources)[number]
  readonly json?: boolean
}

function parseLast(text: string): number {
  const span = parseSpan(text)
  if (span === null || span === 0) throw new InvalidArgumentError('Write it as 15m, 12h, 7d or 4w.')
  return span
}

function toQuery({ last, since, until, domain, source }: StatsOptions): URLSearchParams {
  if (last !== undefined && (since !== undefined || until !== undefined))
    throw new CommandError('--last ends now: leave out --since and --until, or leave out --last.', exitCode.misuse)
  const from = last === undefined ? since : new Date(systemClock.now() - last).toISOString()
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ since: from, until, domain, source }))
    if (value !== undefined) query.set(name, value)
  return query
}

async function ask<Schema extends z.ZodType>(
  client: DashboardClient,
  pathAndQuery: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return schema.parse(await (await client.get(pathAndQuery)).json())
}

/** The windows whose names providers use, of every account whose provider told how full it is. */
const windows = [
  { name: '5 h', minutes: 300 },
  { name: '7 d', minutes: 7 * 24 * 60 },
] as const

async function askQuota(client: DashboardClient): Promise<readonly QuotaWindow[]> {
  const asked = windows.map(async ({ name, minutes }) => {
    const answer = await ask(client, `${currentUsage.path}?window=${minutes}`, currentUsage.response)
    const accounts = 'accounts' in answer ? answer.accounts : [answer]
    return accounts.flatMap((account): QuotaWindow[] => {
      const { account_id: id, percentage, resets_at: resetsAt } = account
      return id === null || percentage === null ? [] : [{ account: id, window: name, percentage, resets_at: resetsAt }]
    })
  })
  return (await Promise.all(asked)).flat()
}

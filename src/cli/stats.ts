import type { Command } from 'commander'
import { type Stats, stats } from '../contract/stats.ts'
import { createDashboardClient } from './dashboard-client.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox stats`: the figures of the last 24 hours, or of another range, from the running instance. */
export function addStats(program: Command, terminal: Terminal): void {
  withSettingFlags(program.command('stats'))
    .description('The main figures of the running instance (default: the last 24 hours).')
    .option('--since <TIME>', 'ISO 8601, such as 2026-01-31T00:00:00Z')
    .option('--until <TIME>', 'ISO 8601')
    .option('--domain <NAME>', 'only this domain')
    .option('--json', 'as JSON, for programs')
    .action(async (options: StatsOptions, command: Command) => {
      const { since, until, domain, json } = options
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries({ since, until, domain }))
        if (value !== undefined) query.set(name, value)
      const client = createDashboardClient(loadFor(command, terminal).config)
      const body: unknown = await (await client.get(`${stats.path}?${query}`)).json()
      terminal.out(json === true ? `${JSON.stringify(body)}\n` : renderStats(stats.response.parse(body)))
    })
}

interface StatsOptions {
  readonly since?: string
  readonly until?: string
  readonly domain?: string
  readonly json?: boolean
}

function renderStats(found: Stats): string {
  const { total_tokens: tokens, response_time_ms: times } = found
  const head = [
    ['requests', count(found.total_requests)],
    [
      'failed',
      `${count(found.failed_requests)} (${found.error_rate === null ? '-' : `${(found.error_rate * 100).toFixed(1)} %`})`,
    ],
    ['cancelled', count(found.cancelled_requests)],
    ['tokens', `${count(tokens.total)} (input ${count(tokens.input)}, output ${count(tokens.output)})`],
    ['cost', usd(found.cost_usd)],
    ['latency', `p50 ${ms(times.p50)}, p95 ${ms(times.p95)}, p99 ${ms(times.p99)}`],
  ]
  const parts = [head.map(([name = '', value = '']) => `${name.padEnd(10)} ${value}\n`).join('')]
  const share = (one: Stats['by_domain'][number] | Stats['by_model'][number]): string[] => [
    count(one.requests),
    count(one.errors),
    count(one.tokens.total),
    usd(one.cost_usd),
  ]
  const columns = ['requests', 'failed', 'tokens', 'cost']
  if (found.by_domain.length > 0)
    parts.push(
      renderTable(
        ['domain', ...columns],
        found.by_domain.map((one) => [one.domain, ...share(one)]),
      ),
    )
  if (found.by_model.length > 0)
    parts.push(
      renderTable(
        ['model', ...columns],
        found.by_model.map((one) => [one.model ?? '-', ...share(one)]),
      ),
    )
  if (found.errors_by_type.length > 0) {
    parts.push(
      renderTable(
        ['error', 'requests'],
        found.errors_by_type.map((one) => [one.error_type, count(one.requests)]),
      ),
    )
  }
  return parts.join('\n')
}

const count = (value: number): string => value.toLocaleString('en-US')
const usd = (value: number): string => `$${value.toFixed(value < 1 ? 4 : 2)}`
const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`)

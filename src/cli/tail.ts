import { type Command, InvalidArgumentError } from 'commander'
import { type ExchangeSummary, exchangeSummary } from '../contract/exchange.ts'
import { createDashboardClient } from './dashboard-client.ts'
import { eventsOf } from './server-events.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { printable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** `signalbox tail`: each call of the running instance as it ends, until Ctrl-C. */
export function addTail(program: Command, terminal: Terminal): void {
  withSettingFlags(program.command('tail'))
    .description('Follow the calls of the running instance as they end.')
    .option('--json', 'one JSON object a line, for programs')
    .option('--limit <COUNT>', 'stop after so many calls', parseLimit)
    .action(async (options: { json?: boolean; limit?: number }, command: Command) => {
      const client = createDashboardClient(loadFor(command, terminal).config)
      const stop = new AbortController()
      const onSignal = (): void => stop.abort()
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
      try {
        const response = await client.get('/api/sse', { accept: 'text/event-stream', signal: stop.signal })
        let left = options.limit ?? Number.POSITIVE_INFINITY
        for await (const { event, data } of eventsOf(response)) {
          if (event !== 'exchange') continue
          terminal.out(options.json === true ? `${data}\n` : renderExchange(exchangeSummary.parse(JSON.parse(data))))
          if (--left <= 0) break
        }
      } catch (error) {
        // Ctrl-C is how a tail ends; it is no failure.
        if (!stop.signal.aborted) throw error
      } finally {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
        stop.abort()
      }
    })
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a whole number above 0.')
}

/** `14:03:15  200  8123 ms  87,364 tok  $0.0793  web  claude-opus-5`, and the error type where there is one. */
function renderExchange(exchange: ExchangeSummary): string {
  const parts = [
    exchange.closed_at.slice(11, 19),
    String(exchange.status_code),
    (exchange.response_time_ms === null ? '-' : `${Math.round(exchange.response_time_ms)} ms`).padStart(9),
    `${exchange.tokens.total.toLocaleString('en-US')} tok`.padStart(12),
    `$${exchange.cost_usd.toFixed(4)}`.padStart(9),
    exchange.domain,
    exchange.model ?? exchange.endpoint,
    exchange.error_type ?? '',
  ]
  return `${parts.map(printable).join('  ').trimEnd()}\n`
}

import type { ExchangeObserver, ExchangeStart } from '../core/exchange.ts'
import type { LocalTime } from './local-time.ts'
import type { LogRecord } from './log-line.ts'
import { requestLine, responseLine } from './log-line.ts'
import type { LogOutput } from './log-output.ts'
import type { MetricsObserver } from './metrics-observer.ts'
import type { OpenExchanges } from './open-exchanges.ts'

/**
 * Makes log lines and metrics of exchanges. Each exchange gets one request line and one response line, also those that
 * were refused before they were opened: their request line is written at the end, with the time of their beginning.
 */
export function createExchangeObserver(parts: {
  readonly open: OpenExchanges
  readonly metrics: Pick<MetricsObserver, 'exchangeClosed'>
  readonly log: LogOutput
  readonly localTime: LocalTime
  /** Told of what could not be made; an observer must not throw at the recorder. */
  readonly onError: (error: unknown) => void
}): ExchangeObserver {
  const { open, metrics, log, localTime, onError } = parts
  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      onError(error)
    }
  }
  const write = (make: () => LogRecord): void => attempt(() => log.write(make()))
  const begin = (exchange: ExchangeStart): void => {
    if (log.isOn('info')) write(() => requestLine(exchange, localTime))
  }
  return {
    exchangeOpened(exchange) {
      if (open.add(exchange)) begin(exchange)
    },
    exchangeClosed(exchange) {
      if (!open.remove(exchange.id)) begin(exchange)
      write(() => responseLine(exchange, localTime))
      attempt(() => metrics.exchangeClosed(exchange))
    },
  }
}

import type { RecordedExchange } from '../../src/core/exchange.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { closedExchange } from './exchanges.ts'

/** What the recorder makes of a call that went well; a test names only what it is about. The id fits `openedAt`. */
export function recordedExchange(
  openedAt: number,
  changes: Partial<Omit<RecordedExchange, 'openedAt'>> = {},
): RecordedExchange {
  return {
    ...closedExchange({
      id: uuidv7(openedAt),
      openedAt,
      closedAt: openedAt + 1200,
      durationMs: 1200.125,
      ttftMs: 300.5,
      upstreamMs: 1199.5,
      overheadMs: 0.625,
      requestedModel: 'claude-sonnet-4-5',
      model: 'claude-sonnet-4-5-20250929',
      requestBytes: 2048,
      responseBytes: 4096,
      // A number of its own in each column, so that two of them in each other's place are noticed.
      usage: { input: 10, output: 20, cacheRead: 300, cacheWrite5m: 40, cacheWrite1h: 5, reasoning: null },
    }),
    costUsd: 0.001234567,
    priceSource: 'genai-prices',
    ...changes,
  }
}

import type { ExchangeClosed, ExchangeOpened } from '../core/exchange.ts'
import { unansweredExchange } from '../core/unanswered-exchange.ts'

/**
 * The end of a call whose gateway died with it. It says only what the journal says, so that every replay makes the same
 * row: `lastWriteAt` is when the journal was written to last.
 */
export function interruptedExchange(opened: ExchangeOpened, lastWriteAt: number): ExchangeClosed {
  const closedAt = Math.max(opened.openedAt, lastWriteAt)
  return unansweredExchange(opened, {
    closedAt,
    statusCode: 500,
    outcome: 'interrupted',
    errorType: 'gateway_internal',
    errorMessage: 'the gateway stopped with this call in flight',
    attempts: 1,
    durationMs: closedAt - opened.openedAt,
    // The provider may well have worked for it, and billed: the count is unknown, not zero.
    usageFlags: ['interrupted'],
  })
}

import type { ExchangeClosed, ExchangeOpened } from '../core/exchange.ts'
import { noUsage } from '../core/usage.ts'

/**
 * The end of a call whose gateway died with it. It says only what the journal says, so that every replay makes the same
 * row: `lastWriteAt` is when the journal was written to last.
 */
export function interruptedExchange(opened: ExchangeOpened, lastWriteAt: number): ExchangeClosed {
  const closedAt = Math.max(opened.openedAt, lastWriteAt)
  return {
    ...opened,
    kind: 'closed',
    closedAt,
    statusCode: 500,
    outcome: 'interrupted',
    errorType: 'gateway_internal',
    errorMessage: 'the gateway stopped with this call in flight',
    failedAfterFirstByte: false,
    upstreamStatus: null,
    upstreamRequestId: null,
    model: null,
    stopReason: null,
    attempts: 1,
    durationMs: closedAt - opened.openedAt,
    ttftMs: null,
    upstreamMs: null,
    overheadMs: 0,
    responseBytes: 0,
    usage: noUsage,
    usageSource: 'none',
    // The provider may well have worked for it, and billed: the count is unknown, not zero.
    usageFlags: ['interrupted'],
    serverToolUse: null,
    serviceTier: null,
    speed: null,
    inferenceGeo: null,
    rateLimitHeaders: null,
  }
}

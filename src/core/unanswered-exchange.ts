import type { ExchangeClosed, ExchangeStart } from './exchange.ts'
import { noUsage } from './usage.ts'

type End = Pick<ExchangeClosed, 'closedAt' | 'statusCode' | 'outcome' | 'errorType' | 'errorMessage' | 'attempts'> &
  Partial<Pick<ExchangeClosed, 'durationMs' | 'usageFlags'>>

/** The closing record of an exchange that got no answer, or none that is known: nothing but its start and its end. */
export function unansweredExchange(start: ExchangeStart, end: End): ExchangeClosed {
  return {
    ...start,
    failedAfterFirstByte: false,
    upstreamStatus: null,
    upstreamRequestId: null,
    model: null,
    stopReason: null,
    durationMs: 0,
    ttftMs: null,
    upstreamMs: null,
    overheadMs: 0,
    responseBytes: 0,
    usage: noUsage,
    usageSource: 'none',
    usageFlags: [],
    serverToolUse: null,
    serviceTier: null,
    speed: null,
    inferenceGeo: null,
    rateLimitHeaders: null,
    routing: null,
    ...end,
    kind: 'closed',
  }
}

import { createHash } from 'node:crypto'
import type { ImportedExchange } from '../../../core/exchange.ts'
import { uuidv7Of } from '../../../core/ids.ts'
import type { PriceBook } from '../../../core/pricing.ts'
import { totalTokens } from '../../../core/usage.ts'
import { UsageMeter } from '../../../core/usage-meter.ts'
import { messageKey, type TranscriptMessage } from './merge-parts.ts'

/** Says of every imported row what its counts are: a client's own notes, which run short in some versions. */
const transcriptFlag = 'transcript'
/** No line says how the message ended, so its output may be the placeholder that it began with. */
const placeholderFlag = 'output_placeholder'

/**
 * A message of a transcript as a row of the ledger, priced as of its day; null where it used nothing. The id is made of
 * the time and the provider's names for the call, so the same call is the same row, however often it is imported.
 */
export function toExchange(message: TranscriptMessage, domain: string, priceBook: PriceBook): ImportedExchange | null {
  const { at, messageId, model, requestId, stopReason } = message
  const meter = new UsageMeter()
  meter.body(Buffer.from(JSON.stringify({ model, stop_reason: stopReason, usage: message.usage })))
  const { usage, usageFlags, serverToolUse, serviceTier, speed, inferenceGeo } = meter.result()
  if (totalTokens(usage) === 0) return null
  const exchange = {
    kind: 'closed',
    id: uuidv7Of(at, createHash('sha256').update(messageKey(message)).digest()),
    openedAt: at,
    closedAt: at,
    method: 'POST',
    path: '/v1/messages',
    endpoint: 'messages',
    domain,
    keyId: null,
    account: null,
    provider: providerOf(messageId),
    requestedModel: message.requestedModel ?? model,
    model,
    streaming: true,
    sessionId: message.sessionId,
    agentId: message.agentId,
    parentAgentId: null,
    requestBytes: 0,
    responseBytes: 0,
    statusCode: 200,
    outcome: 'ok',
    errorType: null,
    errorMessage: null,
    failedAfterFirstByte: false,
    upstreamStatus: null,
    upstreamRequestId: requestId,
    stopReason,
    attempts: 1,
    durationMs: null,
    ttftMs: null,
    upstreamMs: null,
    overheadMs: null,
    usage,
    usageSource: stopReason === null ? 'partial' : 'reported',
    usageFlags: [transcriptFlag, ...(stopReason === null ? [placeholderFlag] : []), ...usageFlags],
    serverToolUse,
    serviceTier,
    speed,
    inferenceGeo,
    routing: null,
    rateLimitHeaders: null,
  } as const
  return { ...exchange, ...priceBook.price({ ...exchange, durationMs: 0, overheadMs: 0 }) }
}

/** The platforms mark their message ids. */
function providerOf(messageId: string): string {
  if (messageId.startsWith('msg_bdrk_')) return 'bedrock'
  return messageId.startsWith('msg_vrtx_') ? 'vertex' : 'anthropic'
}

/** From our nouns to the contract's shapes. Pure. */
import type { ExchangeDetail, ExchangeSummary, OpenExchange } from '../contract/exchange.ts'
import type { Tokens } from '../contract/scalars.ts'
import { type ErrorRow, errorTable, type Fault } from '../core/errors.ts'
import type { ExchangeOpened, ExchangeSource, Outcome } from '../core/exchange.ts'
import type { Buckets, LedgerExchange, RangeFacts } from './queries.ts'

/** UTC, to the millisecond. */
export const iso = (ms: number): string => new Date(ms).toISOString()

/** Sums of tokens under the names of the contract. */
export function presentTokens(tokens: Buckets): Tokens {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = tokens
  return {
    input,
    output,
    cache_read: cacheRead,
    cache_write_5m: cacheWrite5m,
    cache_write_1h: cacheWrite1h,
    total: input + output + cacheRead + cacheWrite5m + cacheWrite1h,
  }
}

/** Prompt tokens read from a cache over all prompt tokens; null without prompt tokens. */
export function cacheHitRatio({ input, cacheRead, cacheWrite5m, cacheWrite1h }: Buckets): number | null {
  const prompt = input + cacheRead + cacheWrite5m + cacheWrite1h
  return prompt === 0 ? null : cacheRead / prompt
}

/** The range that was answered, and up to when its figures are whole. */
export function presentRange({ from, to, source, truncated }: RangeFacts, completeTo: number | null) {
  const complete = completeTo === null ? null : iso(Math.min(completeTo, to))
  return { from: iso(from), to: iso(to), complete_to: complete, source, truncated }
}

/** Whether it counts as an error: all that did not end well, callers that left excepted. */
export function hasFailed({ outcome }: { readonly outcome: Outcome }): boolean {
  return outcome !== 'ok' && outcome !== 'cancelled'
}

/** The row of an error type; types of newer or older versions have none. */
function rowOf(errorType: string | null): ErrorRow | null {
  if (errorType === null || !Object.hasOwn(errorTable, errorType)) return null
  return errorTable[errorType as keyof typeof errorTable] // an own key by the line above
}

const faultOf = (errorType: string | null): Fault | null => rowOf(errorType)?.fault ?? null

/** A row of the ledger, or what was just measured and is not there yet. */
export function presentSummary(exchange: Omit<LedgerExchange, 'source'>, source: ExchangeSource): ExchangeSummary {
  return {
    id: exchange.id,
    opened_at: iso(exchange.openedAt),
    closed_at: iso(exchange.closedAt),
    domain: exchange.domain,
    account_id: exchange.account,
    key_id: exchange.keyId,
    provider: exchange.provider,
    model: exchange.model ?? exchange.requestedModel,
    requested_model: exchange.requestedModel,
    endpoint: exchange.endpoint,
    streaming: exchange.streaming,
    status_code: exchange.statusCode,
    outcome: exchange.outcome,
    error_type: exchange.errorType,
    fault: faultOf(exchange.errorType),
    response_time_ms: exchange.durationMs,
    ttft_ms: exchange.ttftMs,
    overhead_ms: exchange.overheadMs,
    attempts: exchange.attempts,
    tokens: presentTokens(exchange.usage),
    cost_usd: exchange.costUsd,
    price_source: exchange.priceSource,
    usage_source: exchange.usageSource,
    source,
    session_id: exchange.sessionId,
    agent_id: exchange.agentId,
    route: exchange.routing?.rule ?? null,
  }
}

/** The whole receipt of an exchange. */
export function presentDetail(exchange: LedgerExchange): ExchangeDetail {
  const row = rowOf(exchange.errorType)
  return {
    ...presentSummary(exchange, exchange.source),
    method: exchange.method,
    path: exchange.path,
    error_message: exchange.errorMessage,
    error_meaning: row?.meaning ?? null,
    error_retry: row?.retry ?? null,
    failed_after_first_byte: exchange.failedAfterFirstByte,
    upstream_status: exchange.upstreamStatus,
    upstream_request_id: exchange.upstreamRequestId,
    upstream_ms: exchange.upstreamMs,
    stop_reason: exchange.stopReason,
    reasoning_tokens: exchange.usage.reasoning,
    usage_flags: [...exchange.usageFlags],
    web_searches: exchange.serverToolUse?.webSearchRequests ?? null,
    service_tier: exchange.serviceTier,
    speed: exchange.speed,
    inference_geo: exchange.inferenceGeo,
    parent_agent_id: exchange.parentAgentId,
    request_bytes: exchange.requestBytes,
    response_bytes: exchange.responseBytes,
    routing: presentRouting(exchange),
  }
}

function presentRouting({ routing, usage }: LedgerExchange): ExchangeDetail['routing'] {
  if (routing === null) return null
  const { rule, target, tried, movedFrom, notes } = routing
  const moved = {
    cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    uncached_input_tokens: usage.input,
  }
  return {
    rule,
    target,
    tried: [...tried],
    moved: movedFrom === null ? null : { from: movedFrom, ...moved },
    translation_notes: [...notes],
  }
}

/** An exchange that has not ended yet. */
export function presentOpen(exchange: ExchangeOpened): OpenExchange {
  return {
    id: exchange.id,
    opened_at: iso(exchange.openedAt),
    domain: exchange.domain,
    account_id: exchange.account,
    provider: exchange.provider,
    requested_model: exchange.requestedModel,
    endpoint: exchange.endpoint,
    streaming: exchange.streaming,
    session_id: exchange.sessionId,
    request_bytes: exchange.requestBytes,
    estimated_input_tokens: Math.round(exchange.requestBytes / 4),
  }
}

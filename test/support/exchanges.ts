/** Records for tests, as the gateway would write them. */
import type { ExchangeClosed, ExchangeOpened, ExchangeStart } from '../../src/core/exchange.ts'

const firstCallAt = Date.UTC(2026, 8, 1, 12)

function start(): ExchangeStart {
  return {
    id: '01990000-0000-7000-8000-000000000001',
    openedAt: firstCallAt,
    method: 'POST',
    path: '/v1/messages',
    endpoint: 'messages',
    domain: 'web',
    keyId: 'k_0123456789ab',
    account: 'main',
    provider: 'anthropic',
    requestedModel: 'claude-haiku-4-5',
    streaming: true,
    sessionId: null,
    agentId: null,
    parentAgentId: null,
    requestBytes: 1_024,
  }
}

/** A call that has just left for its provider. */
export function openedExchange(rest: Partial<ExchangeOpened> = {}): ExchangeOpened {
  return { ...start(), ...rest, kind: 'opened' }
}

/** A call that went well. */
export function closedExchange(rest: Partial<ExchangeClosed> = {}): ExchangeClosed {
  return {
    ...start(),
    closedAt: firstCallAt + 1_500,
    statusCode: 200,
    outcome: 'ok',
    errorType: null,
    errorMessage: null,
    failedAfterFirstByte: false,
    upstreamStatus: 200,
    upstreamRequestId: 'req_1',
    model: 'claude-haiku-4-5',
    stopReason: 'end_turn',
    attempts: 1,
    durationMs: 1_500,
    ttftMs: 320.5,
    upstreamMs: 1_499,
    overheadMs: 0.4,
    responseBytes: 2_048,
    usage: { input: 100, output: 50, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null },
    usageSource: 'reported',
    usageFlags: [],
    serverToolUse: null,
    serviceTier: 'standard',
    speed: null,
    inferenceGeo: null,
    rateLimitHeaders: null,
    routing: null,
    ...rest,
    kind: 'closed',
  }
}

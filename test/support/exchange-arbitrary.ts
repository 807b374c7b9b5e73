/** Generated exchanges: every outcome and every field a gateway may write, hostile names included. */
import fc from 'fast-check'
import { type ErrorType, errorTable } from '../../src/core/errors.ts'
import type { Endpoint, ExchangeClosed, ExchangeOpened, Outcome, RecordedExchange } from '../../src/core/exchange.ts'
import type { UsageSource } from '../../src/core/usage.ts'

const errorTypes = Object.keys(errorTable) as ErrorType[] // exactly the table's keys
const endpoints: readonly Endpoint[] = ['messages', 'count_tokens', 'models', 'passthrough']
const usageSources: readonly UsageSource[] = ['reported', 'partial', 'estimated', 'none']
const flags = ['write_split_inferred', 'no_split', 'parts_exceed_whole']

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(arbitrary, { nil: null })
const count = fc.nat({ max: 2_000_000 })
const milliseconds = fc.integer({ min: 0, max: 900_000_000 }).map((thousandths) => thousandths / 1000)
const name = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) })

const outcomesOfFault: Record<string, readonly Outcome[]> = {
  caller: ['caller_error', 'cancelled'],
  policy: ['policy_refused'],
  provider: ['provider_error'],
  gateway: ['gateway_error', 'interrupted'],
}

const start = fc.record({
  id: fc.uuid({ version: 7 }),
  openedAt: instant,
  method: fc.constantFrom('POST', 'GET', 'HEAD', 'BREW'),
  path: fc.webPath().map((path) => (path === '' ? '/' : path.slice(0, 256))),
  endpoint: fc.constantFrom(...endpoints),
  domain: fc.oneof(fc.domain(), name),
  keyId: maybe(fc.stringMatching(/^k_[0-9a-f]{12}$/)),
  account: maybe(fc.constantFrom('main', 'acme-1')),
  provider: maybe(fc.constantFrom('anthropic', 'openai', 'simulated')),
  requestedModel: maybe(fc.oneof(fc.constantFrom('claude-opus-5', 'claude-haiku-4-5'), name)),
  streaming: fc.boolean(),
  sessionId: maybe(fc.uuid()),
  agentId: maybe(name),
  parentAgentId: maybe(name),
  requestBytes: count,
})

const ending = fc.oneof(
  fc.record({
    outcome: fc.constant<Outcome>('ok'),
    errorType: fc.constant(null),
    errorMessage: fc.constant(null),
    statusCode: fc.constantFrom(200, 201, 204),
    failedAfterFirstByte: fc.constant(false),
  }),
  fc.constantFrom(...errorTypes).chain((errorType) =>
    fc.record({
      outcome: fc.constantFrom(...(outcomesOfFault[errorTable[errorType].fault] ?? [])),
      errorType: fc.constant(errorType),
      errorMessage: maybe(fc.string({ maxLength: 200, unit: 'grapheme' })),
      statusCode: fc.constant(errorTable[errorType].status),
      failedAfterFirstByte: fc.boolean(),
    }),
  ),
)

const rest = fc.record({
  upstreamStatus: maybe(fc.integer({ min: 200, max: 599 })),
  upstreamRequestId: maybe(fc.stringMatching(/^req_[0-9A-Za-z]{24}$/)),
  model: maybe(fc.oneof(fc.constantFrom('claude-opus-5', 'claude-haiku-4-5'), name)),
  stopReason: maybe(fc.constantFrom('end_turn', 'tool_use', 'max_tokens')),
  attempts: fc.nat({ max: 4 }),
  durationMs: milliseconds,
  ttftMs: maybe(milliseconds),
  upstreamMs: maybe(milliseconds),
  overheadMs: milliseconds,
  responseBytes: count,
  usage: fc.record({
    input: count,
    output: count,
    cacheRead: count,
    cacheWrite5m: count,
    cacheWrite1h: count,
    reasoning: maybe(count),
  }),
  usageSource: fc.constantFrom(...usageSources),
  usageFlags: fc.uniqueArray(fc.constantFrom(...flags)),
  serverToolUse: maybe(fc.record({ webSearchRequests: fc.nat({ max: 9 }), webFetchRequests: fc.nat({ max: 9 }) })),
  serviceTier: maybe(fc.constantFrom('standard', 'priority')),
  speed: maybe(fc.constantFrom('standard', 'fast')),
  inferenceGeo: maybe(fc.constantFrom('us', 'eu')),
  routing: maybe(
    fc.record({
      rule: fc.oneof(fc.constantFrom('default', 'explicit'), name),
      target: maybe(fc.constantFrom('anthropic/*', 'openai/gpt-5', 'ollama/qwen3:8b')),
      tried: fc.array(fc.constantFrom('openai/gpt-5:503', 'ollama/qwen3:8b:connect', 'groq/*:resting'), {
        maxLength: 4,
      }),
      movedFrom: maybe(fc.constant('groq/*')),
      notes: fc.array(fc.constantFrom('dropped:top_k', 'converted:system'), { maxLength: 3 }),
    }),
  ),
  rateLimitHeaders: maybe(fc.constant({ 'anthropic-ratelimit-requests-remaining': '49' })),
})

export const exchangeOpenedArbitrary: fc.Arbitrary<ExchangeOpened> = start.map((facts) => ({
  ...facts,
  kind: 'opened',
}))

export const exchangeClosedArbitrary: fc.Arbitrary<ExchangeClosed> = fc
  .tuple(start, ending, rest)
  .map(([facts, end, others]) => ({
    ...facts,
    ...end,
    ...others,
    closedAt: facts.openedAt + Math.round(others.durationMs),
    kind: 'closed',
  }))

export const recordedExchangeArbitrary: fc.Arbitrary<RecordedExchange> = fc
  .tuple(
    exchangeClosedArbitrary,
    fc.record({
      costUsd: fc.nat({ max: 1_000_000_000 }).map((nanos) => nanos / 1e9),
      priceSource: fc.constantFrom('genai-prices', 'override', 'default', 'free', 'none'),
    }),
  )
  .map(([exchange, priced]) => ({ ...exchange, ...priced }))

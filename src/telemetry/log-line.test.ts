import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exchangeOpenedArbitrary, recordedExchangeArbitrary } from '../../test/support/exchange-arbitrary.ts'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import { createLocalTime } from './local-time.ts'
import { type LogRecord, requestLine, responseLine } from './log-line.ts'

const inBerlin = createLocalTime(() => 60)

function recorded(rest: Partial<RecordedExchange> = {}): RecordedExchange {
  return { ...closedExchange(), costUsd: 0.079253, priceSource: 'genai-prices', ...rest }
}

const facts = {
  id: '01JDA7Q2M8',
  domain: 'proxy.example.com',
  requestedModel: 'claude-opus-5',
  sessionId: '5f0c',
  keyId: 'k_7f3',
} as const

describe('the lines of an exchange', () => {
  test('the request line is this line', () => {
    const line = requestLine(openedExchange({ ...facts, openedAt: 1795352587412 }), inBerlin)
    expect(JSON.stringify(line)).toBe(
      '{"@timestamp":"2026-11-22T14:03:07.412+01:00","timestamp":1795352587412,"level":"info","severity":"INFO",' +
        '"action":"anthropic_request","message":"request started","request_id":"01JDA7Q2M8",' +
        '"domain":"proxy.example.com","method":"POST","path":"/v1/messages","provider":"anthropic",' +
        '"model":"claude-opus-5","streaming":true,"session_id":"5f0c","key_id":"k_7f3"}',
    )
  })

  test('the response line is this line', () => {
    const exchange = recorded({
      ...facts,
      model: 'claude-opus-5',
      closedAt: 1795352595535,
      upstreamRequestId: 'req_011C',
      stopReason: 'tool_use',
      durationMs: 8123.4,
      ttftMs: 640,
      overheadMs: 0.8,
      account: 'acme-1',
      usage: { input: 12, output: 931, cacheRead: 84211, cacheWrite5m: 2210, cacheWrite1h: 0, reasoning: 412 },
    })
    expect(JSON.stringify(responseLine(exchange, inBerlin))).toBe(
      '{"@timestamp":"2026-11-22T14:03:15.535+01:00","timestamp":1795352595535,"level":"info","severity":"INFO",' +
        '"action":"anthropic_response","event":"api_request","message":"request completed",' +
        '"request_id":"01JDA7Q2M8","upstream_request_id":"req_011C","domain":"proxy.example.com","method":"POST",' +
        '"path":"/v1/messages","provider":"anthropic","model":"claude-opus-5","streaming":true,"status":200,' +
        '"status_code":200,"outcome":"ok","stop_reason":"tool_use","attempts":1,"duration":8123,"duration_ms":8123,' +
        '"ttft_ms":640,"overhead_ms":0.8,"tokens":{"input":12,"output":931,"cache_read":84211,' +
        '"cache_write_5m":2210,"cache_write_1h":0,"reasoning":412,"total":87364},"cost_usd":0.079253,' +
        '"usage_source":"reported","account":"acme-1","key_id":"k_7f3","session_id":"5f0c"}',
    )
  })

  test('a failure carries its type as word 5 behind the prefix of docker compose', () => {
    const failed = { outcome: 'provider_error', errorType: 'provider_overloaded', statusCode: 529 } as const
    const line = responseLine(recorded({ ...failed, attempts: 3, errorMessage: 'Overloaded' }), inBerlin)
    expect(line).toMatchObject({ level: 'error', severity: 'ERROR', error_message: 'Overloaded' })
    for (const attempts of [0, 1, 3]) {
      const text = JSON.stringify(responseLine(recorded({ ...failed, attempts }), inBerlin))
      expect(`proxy-1  | ${text}`.split(/ +/)[4]).toBe('provider_overloaded')
    }
  })

  test("callers' and policies' faults are warnings, the provider's and our own are errors", () => {
    const level = (rest: Partial<RecordedExchange>) => responseLine(recorded(rest), inBerlin).level
    expect(level({ outcome: 'cancelled', errorType: 'caller_cancelled' })).toBe('warn')
    expect(level({ outcome: 'policy_refused', errorType: 'policy_rate_limited' })).toBe('warn')
    expect(level({ outcome: 'interrupted', errorType: 'gateway_internal' })).toBe('error')
  })

  test('a failure without a type is told as other, which is an alarm', () => {
    const line = responseLine(recorded({ outcome: 'gateway_error', errorType: null }), inBerlin)
    expect(line).toMatchObject({ level: 'error', error_type: 'other' })
  })

  test('a response always has a provider and a model to chart by, also where the call had none', () => {
    const line = responseLine(
      recorded({ endpoint: 'models', provider: null, model: null, requestedModel: null }),
      inBerlin,
    )
    expect(line).toMatchObject({ provider: 'none', model: 'none' })
    expect(requestLine(openedExchange({ provider: null, requestedModel: null }), inBerlin)).not.toHaveProperty(
      'provider',
    )
  })
})

const forbidden = [
  ...['type', 'host', 'error', 'service', 'log', 'user', 'client', 'server', 'source', 'process', 'url', 'file'],
  ...['agent', 'container', 'input', 'stream', 'accountId', 'eventType'],
]

/** Every field of both lines with its one type, `?` where it may be absent. */
const schema: Readonly<Record<string, string>> = {
  ...{ '@timestamp': 'string', timestamp: 'integer', level: 'string', severity: 'string', action: 'string' },
  ...{ event: 'string?', message: 'string', request_id: 'string', upstream_request_id: 'string?', domain: 'string' },
  ...{ method: 'string', path: 'string', provider: 'string?', model: 'string?', streaming: 'boolean' },
  ...{
    status: 'integer?',
    status_code: 'integer?',
    outcome: 'string?',
    error_type: 'string?',
    error_message: 'string?',
  },
  ...{
    stop_reason: 'string?',
    attempts: 'integer?',
    duration: 'integer?',
    duration_ms: 'integer?',
    ttft_ms: 'number?',
  },
  ...{ overhead_ms: 'number?', tokens: 'object?', cost_usd: 'number?', usage_source: 'string?', account: 'string?' },
  ...{ key_id: 'string?', session_id: 'string?', agent_id: 'string?' },
}
const order = Object.keys(schema).filter((field) => !['key_id', 'session_id', 'agent_id'].includes(field))

function check(line: LogRecord): void {
  const read: Record<string, unknown> = JSON.parse(JSON.stringify(line))
  expect(read).toEqual(line)
  for (const [field, value] of Object.entries(read)) {
    const kind = schema[field]?.replace('?', '') ?? 'unknown field'
    if (kind === 'integer') expect(Number.isInteger(value), field).toBe(true)
    else expect(typeof value, field).toBe(kind)
    expect(forbidden).not.toContain(field)
  }
  for (const [field, kind] of Object.entries(schema)) if (!kind.endsWith('?')) expect(read).toHaveProperty([field])
  const ordered = Object.keys(read).filter((field) => order.includes(field))
  expect(ordered).toEqual(order.filter((field) => ordered.includes(field)))
}

describe('any exchange', () => {
  test('makes lines with the same fields in the same order and of the same types, never null', () => {
    fc.assert(
      fc.property(exchangeOpenedArbitrary, recordedExchangeArbitrary, (opened, closed) => {
        check(requestLine(opened, inBerlin))
        check(responseLine(closed, inBerlin))
      }),
      { numRuns: 500 },
    )
  })

  test('has a whole that is the sum of its five buckets', () => {
    fc.assert(
      fc.property(recordedExchangeArbitrary, (closed) => {
        const { total, reasoning, ...buckets } = responseLine(closed, inBerlin).tokens as Record<string, number>
        expect(total).toBe(Object.values(buckets).reduce((sum, value) => sum + value, 0))
      }),
    )
  })

  test('numbers that JSON has no form for are left out instead of becoming null', () => {
    const line = responseLine(recorded({ overheadMs: Number.NaN, costUsd: Infinity, durationMs: Number.NaN }), inBerlin)
    expect(line).not.toHaveProperty('overhead_ms')
    expect(line).not.toHaveProperty('cost_usd')
    expect(line.duration_ms).toBe(0)
  })
})

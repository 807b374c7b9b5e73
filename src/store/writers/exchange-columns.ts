import type { ImportedExchange } from '../../core/exchange.ts'
import type { ArrayArena } from './array-arena.ts'

/** One column of `api_requests`: what a record gives it, and how a whole batch of them travels: as one array a column. */
export interface ExchangeColumn {
  readonly name: string
  /** Type of the elements that are sent. */
  readonly type: 'float8' | 'int8' | 'int4' | 'bool' | 'text'
  /** SQL that turns the sent value (a column of that name in `batch`) into the stored one. */
  readonly expression: string
  readonly encode: (batch: readonly ImportedExchange[], arena: ArrayArena) => Buffer
}

const maxInt4 = 2_147_483_647
const maxInt8 = Number.MAX_SAFE_INTEGER
/** No call has so many; and nine million of them fit into a sum of the rollups before bigint would overflow. */
const maxTokens = 1_000_000_000_000
/** Names that become rollup keys; ten of them must fit into one index row (2,704 bytes). */
const maxName = 100
const maxText = 300
const maxWords = 3_000

/** Of both sources: what was measured has everything that an import has. */
type Get<T> = (exchange: ImportedExchange) => T

/** A moment in epoch milliseconds. */
const time = (name: string, get: Get<number>): ExchangeColumn => ({
  ...number(name, get),
  expression: `to_timestamp(${name} / 1000.0)`,
})

const number = (name: string, get: Get<number | null>): ExchangeColumn => ({
  name,
  type: 'float8',
  expression: name,
  encode: (batch, arena) => arena.float8s(batch, get),
})

/** What does not fit its column is cut to it: a row with a limited count says more than no row. */
const whole = (name: string, get: Get<number | null>, type: 'int8' | 'int4' = 'int8'): ExchangeColumn => {
  const max = type === 'int8' ? maxInt8 : maxInt4
  const fitting = (exchange: ImportedExchange): number | null => {
    const value = get(exchange)
    return value === null ? null : Math.min(Math.max(Math.trunc(value), 0), max)
  }
  const encode: ExchangeColumn['encode'] = (batch, arena) =>
    type === 'int8' ? arena.int8s(batch, fitting) : arena.int4s(batch, fitting)
  return { name, type, expression: name, encode }
}

/** A count that the rollups add up: one absurd claim must not make every later sum of its key fail. */
const tokens = (name: string, get: Get<number | null>): ExchangeColumn =>
  whole(name, (exchange) => {
    const value = get(exchange)
    return value === null ? null : Math.min(value, maxTokens)
  })

/** As text, which keeps every digit. PostgreSQL takes a NaN as a number, and every sum it gets into is NaN for ever. */
const money = (name: string, get: Get<number>): ExchangeColumn => ({
  ...text(name, (exchange) => {
    const value = get(exchange)
    if (!Number.isFinite(value)) throw new TypeError(`${name} is not a number`)
    return String(value)
  }),
  expression: `${name}::numeric`,
})

const flag = (name: string, get: Get<boolean>): ExchangeColumn => ({
  name,
  type: 'bool',
  expression: name,
  encode: (batch, arena) => arena.booleans(batch, get),
})

const text = (name: string, get: Get<string | null>, maxLength = maxText): ExchangeColumn => ({
  name,
  type: 'text',
  expression: name,
  encode: (batch, arena) => arena.texts(batch, get, maxLength),
})

/** Words without blanks; as many of them as fit. */
const words = (name: string, get: Get<readonly string[]>): ExchangeColumn => ({
  ...text(name, (exchange) => fittingWords(get(exchange)), maxWords),
  expression: `string_to_array(${name}, ' ')`,
})

function fittingWords(all: readonly string[]): string | null {
  if (all.length === 0) return null
  const joined = all.join(' ')
  return joined.length <= maxWords ? joined : joined.slice(0, joined.lastIndexOf(' ', maxWords))
}

/** In the order of the insert; schema and exports are held equal to it by tests. */
export const exchangeColumns: readonly ExchangeColumn[] = [
  { ...text('id', (x) => x.id), expression: 'id::uuid' },
  time('created_at', (x) => x.openedAt),
  number('response_time_ms', (x) => x.durationMs),
  number('ttft_ms', (x) => x.ttftMs),
  number('upstream_ms', (x) => x.upstreamMs),
  number('overhead_ms', (x) => x.overheadMs),
  tokens('input_tokens', (x) => x.usage.input),
  tokens('output_tokens', (x) => x.usage.output),
  tokens('cache_read_tokens', (x) => x.usage.cacheRead),
  tokens('cache_write_5m_tokens', (x) => x.usage.cacheWrite5m),
  tokens('cache_write_1h_tokens', (x) => x.usage.cacheWrite1h),
  tokens('reasoning_tokens', (x) => x.usage.reasoning),
  whole('request_bytes', (x) => x.requestBytes),
  whole('response_bytes', (x) => x.responseBytes),
  whole('status_code', (x) => x.statusCode, 'int4'),
  whole('upstream_status', (x) => x.upstreamStatus, 'int4'),
  whole('attempts', (x) => x.attempts, 'int4'),
  whole('web_search_requests', (x) => x.serverToolUse?.webSearchRequests ?? null, 'int4'),
  whole('web_fetch_requests', (x) => x.serverToolUse?.webFetchRequests ?? null, 'int4'),
  flag('streaming', (x) => x.streaming),
  flag('failed_after_first_byte', (x) => x.failedAfterFirstByte),
  money('cost_usd', (x) => x.costUsd),
  text('domain', (x) => x.domain, maxName),
  text('account_id', (x) => x.account, maxName),
  text('key_id', (x) => x.keyId, maxName),
  text('provider', (x) => x.provider, maxName),
  text('model', (x) => x.model),
  text('requested_model', (x) => x.requestedModel),
  text('endpoint', (x) => x.endpoint),
  text('method', (x) => x.method),
  text('path', (x) => x.path),
  text('outcome', (x) => x.outcome),
  text('error_type', (x) => x.errorType),
  text('error_message', (x) => x.errorMessage),
  text('price_source', (x) => x.priceSource),
  text('usage_source', (x) => x.usageSource),
  words('usage_flags', (x) => x.usageFlags),
  text('stop_reason', (x) => x.stopReason),
  text('service_tier', (x) => x.serviceTier),
  text('speed', (x) => x.speed),
  text('inference_geo', (x) => x.inferenceGeo),
  text('session_id', (x) => x.sessionId),
  text('agent_id', (x) => x.agentId),
  text('parent_agent_id', (x) => x.parentAgentId),
  text('upstream_request_id', (x) => x.upstreamRequestId),
  text('route', (x) => x.routing?.rule ?? null),
  text('route_target', (x) => x.routing?.target ?? null),
  words('targets_tried', (x) => x.routing?.tried ?? []),
  text('moved_from', (x) => x.routing?.movedFrom ?? null),
  words('translation_notes', (x) => x.routing?.notes ?? []),
]

/**
 * The lines of an exchange, as pure functions. Field names, their order and their types are an interface: other people's
 * grep, awk, jq and Logstash read them. A field keeps one type for ever and is absent where it has no value.
 */
import { errorTable } from '../core/errors.ts'
import type { ExchangeStart, RecordedExchange } from '../core/exchange.ts'
import { totalTokens } from '../core/usage.ts'
import { failureOf } from './failure.ts'
import type { LocalTime } from './local-time.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type LogValue = string | number | boolean | Readonly<Record<string, number>>

/** A line before it is written. Its keys are written in their order. */
export type LogRecord = {
  readonly '@timestamp': string
  readonly timestamp: number
  readonly level: LogLevel
  readonly severity: string
  readonly message: string
} & { readonly [field: string]: LogValue }

/** `severity` is what cloud log viewers sort by, and what makes `grep ERROR` find errors. */
export const severityOf: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
}

type Draft = Record<string, LogValue>

/** The line of an exchange's beginning, dated when it was opened. */
export function requestLine(exchange: ExchangeStart, localTime: LocalTime): LogRecord {
  const line = head(exchange.openedAt, 'info', localTime, {
    action: 'anthropic_request',
    message: 'request started',
    request_id: exchange.id,
  })
  add(line, 'domain', exchange.domain)
  add(line, 'method', exchange.method)
  add(line, 'path', exchange.path)
  add(line, 'provider', exchange.provider)
  add(line, 'model', exchange.requestedModel)
  line.streaming = exchange.streaming
  add(line, 'session_id', exchange.sessionId)
  add(line, 'agent_id', exchange.agentId)
  add(line, 'key_id', exchange.keyId)
  return line
}

/** The line of an exchange's end, dated when it closed. Exactly one an exchange, whatever became of it. */
export function responseLine(exchange: RecordedExchange, localTime: LocalTime): LogRecord {
  const failure = failureOf(exchange)
  const duration = wholeMs(exchange.durationMs)
  const line = head(exchange.closedAt, failure === null ? 'info' : errorTable[failure].logLevel, localTime, {
    action: 'anthropic_response',
    event: 'api_request',
    // Before every value that may hold a space, and with words after the type: word 5 of a line of
    // `docker compose logs` is then the type and nothing else.
    message: failure === null ? 'request completed' : `request failed ${failure} ${afterAttempts(exchange.attempts)}`,
    request_id: exchange.id,
  })
  add(line, 'upstream_request_id', exchange.upstreamRequestId)
  add(line, 'domain', exchange.domain)
  add(line, 'method', exchange.method)
  add(line, 'path', exchange.path)
  // Readers chart responses by provider and model, so these are always there.
  line.provider = exchange.provider ?? 'none'
  line.model = exchange.model ?? exchange.requestedModel ?? 'none'
  line.streaming = exchange.streaming
  line.status = exchange.statusCode
  line.status_code = exchange.statusCode
  line.outcome = exchange.outcome
  add(line, 'error_type', failure)
  add(line, 'error_message', failure === null ? null : exchange.errorMessage)
  add(line, 'stop_reason', exchange.stopReason)
  add(line, 'attempts', exchange.attempts)
  line.duration = duration
  line.duration_ms = duration
  add(line, 'ttft_ms', exchange.ttftMs)
  add(line, 'overhead_ms', exchange.overheadMs)
  line.tokens = tokens(exchange)
  add(line, 'cost_usd', exchange.costUsd)
  line.usage_source = exchange.usageSource
  add(line, 'account', exchange.account)
  add(line, 'key_id', exchange.keyId)
  add(line, 'session_id', exchange.sessionId)
  add(line, 'agent_id', exchange.agentId)
  return line
}

function head(at: number, level: LogLevel, localTime: LocalTime, rest: Draft): LogRecord & Draft {
  // The spread keeps the order; the index type of a draft allows what the named keys require.
  return { '@timestamp': localTime(at), timestamp: at, level, severity: severityOf[level], ...rest } as LogRecord &
    Draft
}

/** Absent is better than null; and a number that JSON has no form for would become null. */
function add(line: Draft, field: string, value: string | number | null): void {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return
  line[field] = value
}

function tokens({ usage }: RecordedExchange): Readonly<Record<string, number>> {
  return {
    input: usage.input,
    output: usage.output,
    cache_read: usage.cacheRead,
    cache_write_5m: usage.cacheWrite5m,
    cache_write_1h: usage.cacheWrite1h,
    ...(usage.reasoning !== null && { reasoning: usage.reasoning }),
    total: totalTokens(usage),
  }
}

function wholeMs(ms: number): number {
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : 0
}

function afterAttempts(attempts: number): string {
  if (attempts === 0) return 'before any attempt'
  return attempts === 1 ? 'after 1 attempt' : `after ${attempts} attempts`
}

import type { ErrorType } from '../../core/errors.ts'
import type {
  Endpoint,
  ExchangeClosed,
  ExchangeSource,
  ImportedExchange,
  Outcome,
  PriceSource,
} from '../../core/exchange.ts'
import { timeOfUuidv7 } from '../../core/ids.ts'
import type { UsageSource } from '../../core/usage.ts'
import type { Sql } from '../sql.ts'
import { type ExchangeFilter, exchangeConditions } from './exchange-filter.ts'
import { type SourceFilter, sourceCondition } from './source-condition.ts'

export interface LedgerExchange extends Omit<ImportedExchange, 'kind' | 'rateLimitHeaders'> {
  readonly source: ExchangeSource
}

export interface RecentExchangesQuestion {
  readonly from: number
  readonly to: number
  readonly after: { readonly openedAt: number; readonly id: string } | null
  readonly limit: number
  /** Default: `wire`. */
  readonly source?: SourceFilter
  readonly filter: ExchangeFilter
}

const hardLimit = 500

/** Rows of the ledger, newest first, from a window, page by page with a cursor; never by offset. */
export async function recentExchanges(sql: Sql, question: RecentExchangesQuestion): Promise<readonly LedgerExchange[]> {
  const values: unknown[] = [new Date(question.from), new Date(question.to), Math.min(question.limit, hardLimit)]
  const conditions = ['created_at >= $1', 'created_at < $2', sourceCondition(question.source)]
  const place = (value: unknown): string => `$${values.push(value)}`
  if (question.after !== null)
    conditions.push(
      `(created_at, id) < (${place(new Date(question.after.openedAt))}, ${place(question.after.id)}::uuid)`,
    )
  conditions.push(...exchangeConditions(question.filter, place))
  const rows = await sql.query<Row>(
    'recent-exchanges',
    `SELECT * FROM api_requests WHERE ${conditions.join(' AND ')} ORDER BY created_at DESC, id DESC LIMIT $3`,
    values,
  )
  return rows.map(fromRow)
}

const uuidv7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
/** The time in an id is that of its row; the second around it is for ids made a moment before the clock was read. */
const idSlackMs = 1_000

/** One row by its id, found by the time in it; null where there is none, also for what is no id of ours. */
export async function exchangeById(sql: Sql, id: string): Promise<LedgerExchange | null> {
  if (!uuidv7Pattern.test(id)) return null
  const openedAt = timeOfUuidv7(id)
  const [row] = await sql.query<Row>(
    'exchange-by-id',
    'SELECT * FROM api_requests WHERE created_at BETWEEN $1 AND $2 AND id = $3::uuid LIMIT 1',
    [new Date(openedAt - idSlackMs), new Date(openedAt + idSlackMs), id],
  )
  return row === undefined ? null : fromRow(row)
}

/** A row as the driver gives it: bigint and numeric as numbers. The closed sets are those that the writer wrote. */
interface Row {
  readonly id: string
  readonly created_at: Date
  readonly domain: string
  readonly account_id: string | null
  readonly key_id: string | null
  readonly provider: string | null
  readonly model: string | null
  readonly requested_model: string | null
  readonly endpoint: Endpoint
  readonly method: string
  readonly path: string
  readonly streaming: boolean
  readonly status_code: number
  readonly upstream_status: number | null
  readonly outcome: Outcome
  readonly error_type: ErrorType | null
  readonly error_message: string | null
  readonly failed_after_first_byte: boolean
  readonly stop_reason: string | null
  readonly attempts: number
  readonly response_time_ms: number | null
  readonly ttft_ms: number | null
  readonly upstream_ms: number | null
  readonly overhead_ms: number | null
  readonly request_bytes: number
  readonly response_bytes: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_5m_tokens: number
  readonly cache_write_1h_tokens: number
  readonly reasoning_tokens: number | null
  readonly web_search_requests: number | null
  readonly web_fetch_requests: number | null
  readonly usage_source: UsageSource
  readonly source: ExchangeSource
  readonly usage_flags: string[] | null
  readonly service_tier: string | null
  readonly speed: string | null
  readonly inference_geo: string | null
  readonly cost_usd: number
  readonly price_source: PriceSource
  readonly session_id: string | null
  readonly agent_id: string | null
  readonly parent_agent_id: string | null
  readonly upstream_request_id: string | null
}

function fromRow(row: Row): LedgerExchange {
  const openedAt = row.created_at.getTime()
  return {
    id: row.id,
    openedAt,
    closedAt: openedAt + Math.round(row.response_time_ms ?? 0),
    method: row.method,
    path: row.path,
    endpoint: row.endpoint,
    domain: row.domain,
    keyId: row.key_id,
    account: row.account_id,
    provider: row.provider,
    requestedModel: row.requested_model,
    streaming: row.streaming,
    sessionId: row.session_id,
    agentId: row.agent_id,
    parentAgentId: row.parent_agent_id,
    requestBytes: row.request_bytes,
    statusCode: row.status_code,
    outcome: row.outcome,
    errorType: row.error_type,
    errorMessage: row.error_message,
    failedAfterFirstByte: row.failed_after_first_byte,
    upstreamStatus: row.upstream_status,
    upstreamRequestId: row.upstream_request_id,
    model: row.model,
    stopReason: row.stop_reason,
    attempts: row.attempts,
    durationMs: row.response_time_ms,
    ttftMs: row.ttft_ms,
    upstreamMs: row.upstream_ms,
    overheadMs: row.overhead_ms,
    responseBytes: row.response_bytes,
    usage: usageOf(row),
    usageSource: row.usage_source,
    usageFlags: row.usage_flags ?? [],
    serverToolUse:
      row.web_search_requests === null
        ? null
        : { webSearchRequests: row.web_search_requests, webFetchRequests: row.web_fetch_requests ?? 0 },
    serviceTier: row.service_tier,
    speed: row.speed,
    inferenceGeo: row.inference_geo,
    costUsd: row.cost_usd,
    priceSource: row.price_source,
    source: row.source,
  }
}

const usageOf = (row: Row): ExchangeClosed['usage'] => ({
  input: row.input_tokens,
  output: row.output_tokens,
  cacheRead: row.cache_read_tokens,
  cacheWrite5m: row.cache_write_5m_tokens,
  cacheWrite1h: row.cache_write_1h_tokens,
  reasoning: row.reasoning_tokens,
})

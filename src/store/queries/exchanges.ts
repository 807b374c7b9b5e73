import type { ErrorType } from '../../core/errors.ts'
import type {
  Endpoint,
  ExchangeClosed,
  ExchangeSource,
  Outcome,
  PriceSource,
  RoutingRecord,
} from '../../core/exchange.ts'
import { timeOfUuidv7 } from '../../core/ids.ts'
import type { LedgerExchange, RecentExchangesQuestion } from '../../core/recent-exchanges.ts'
import type { UsageSource } from '../../core/usage.ts'
import { hourTier } from '../rollup-tiers.ts'
import type { Sql } from '../sql.ts'
import { exchangeConditions } from './exchange-filter.ts'
import { type MatchingHour, matchingHours, rollupsTell } from './matching-hours.ts'
import { type Held, heldForGood } from './rollup-range.ts'
import { sourceCondition } from './source-condition.ts'

const hardLimit = 500

/** Hours whose rows are read at once, where the rollups told which hours to look into. */
const hoursAtOnce = 200
/** Most filters fill a page from the newest rows: only then the rollups are asked where to look. */
const firstLookMs = 3 * hourTier.stepMs

/** Rows of the ledger, newest first, from a window, page by page with a cursor; never by offset. */
export async function recentExchanges(
  sql: Sql,
  question: RecentExchangesQuestion,
  held: Held = heldForGood,
): Promise<readonly LedgerExchange[]> {
  const limit = Math.min(question.limit, hardLimit)
  const { from, after, filter, source } = question
  const to = after === null ? question.to : Math.min(question.to, after.openedAt + 1)
  // Rows that outlive the sums of their hours are found by reading them.
  if (!rollupsTell(filter) || from < held.hour) return rowsIn(sql, question, [{ from, to }], limit)
  let openTo = Math.max(from, to - firstLookMs)
  const found = await rowsIn(sql, question, [{ from: openTo, to }], limit)
  while (found.length < limit && openTo > from) {
    const range = { from, to: openTo }
    const { hours, searchedFrom } = await matchingHours(sql, range, filter, source, limit - found.length)
    for (let next = 0; next < hours.length && found.length < limit; ) {
      const chosen = hours.slice(next, next + enoughHours(hours.slice(next, next + hoursAtOnce), limit - found.length))
      next += chosen.length
      const windows = chosen.map(({ start }) => ({
        from: Math.max(start, from),
        to: Math.min(start + hourTier.stepMs, openTo),
      }))
      found.push(...(await rowsIn(sql, question, windows, limit - found.length)))
    }
    openTo = searchedFrom
  }
  return found
}

/** How many of these hours promise the wanted rows. Edges and models may keep less, so some more are taken. */
function enoughHours(hours: readonly MatchingHour[], wanted: number): number {
  let promised = 0
  const enough = hours.findIndex(({ requests }) => {
    promised += requests
    return promised >= wanted
  })
  return enough < 0 ? hours.length : enough + 2
}

/** The newest rows of windows that do not overlap and come newest first. */
async function rowsIn(
  sql: Sql,
  { after, source, filter }: RecentExchangesQuestion,
  windows: readonly { readonly from: number; readonly to: number }[],
  limit: number,
): Promise<LedgerExchange[]> {
  const values: unknown[] = []
  const place = (value: unknown): string => `$${values.push(value)}`
  const conditions = [sourceCondition(source)]
  if (after !== null)
    conditions.push(`(created_at, id) < (${place(new Date(after.openedAt))}, ${place(after.id)}::uuid)`)
  conditions.push(...exchangeConditions(filter, place))
  const cap = place(limit)
  const newest = (from: string, to: string): string =>
    `SELECT * FROM api_requests WHERE created_at >= ${from} AND created_at < ${to} AND ${conditions.join(' AND ')}
     ORDER BY created_at DESC, id DESC LIMIT ${cap}`
  const [only] = windows
  const text =
    windows.length === 1 && only !== undefined
      ? newest(place(new Date(only.from)), place(new Date(only.to)))
      : `SELECT found.* FROM unnest(${place(windows.map(({ from }) => new Date(from)))}::timestamptz[],
           ${place(windows.map((window) => new Date(window.to)))}::timestamptz[]) WITH ORDINALITY AS part("from", "to", place),
           LATERAL (${newest('part."from"', 'part."to"')}) AS found
         ORDER BY part.place, found.created_at DESC, found.id DESC LIMIT ${cap}`
  const rows = await sql.query<Row>('recent-exchanges', text, values)
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
  readonly route: string | null
  readonly route_target: string | null
  readonly targets_tried: string[] | null
  readonly moved_from: string | null
  readonly translation_notes: string[] | null
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
    routing: routingOf(row),
  }
}

function routingOf(row: Row): RoutingRecord | null {
  if (row.route === null) return null
  return {
    rule: row.route,
    target: row.route_target,
    tried: row.targets_tried ?? [],
    movedFrom: row.moved_from,
    notes: row.translation_notes ?? [],
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

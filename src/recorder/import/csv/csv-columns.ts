import { createHash } from 'node:crypto'
import { type ErrorType, errorTable } from '../../../core/errors.ts'
import type { Endpoint, ImportedExchange, Outcome, PriceSource } from '../../../core/exchange.ts'
import { timeOfUuidv7, uuidv7Of } from '../../../core/ids.ts'
import type { PriceBook } from '../../../core/pricing.ts'
import type { UsageSource } from '../../../core/usage.ts'
import { type ExportColumn, exportColumns, restored } from '../../../store/index.ts'
import { endpoints, exchangeSources, outcomes, priceSources, usageSources } from '../../exchange-words.ts'

/** A cell: null where it is empty and was not quoted, which is "no value" and not "the empty text". */
export type Cell = string | null
/** The cells of a row that are known columns. */
export type Cells = Readonly<Record<string, Cell>>

export interface RowMistake {
  readonly column: string | null
  /** For people; quotes no more of a cell than its beginning. */
  readonly message: string
}

export interface RowDefaults {
  readonly domain: string
  readonly priceBook: PriceBook
  readonly now: number
}

const sets: Readonly<Record<string, ReadonlySet<string>>> = {
  endpoint: endpoints,
  outcome: outcomes,
  price_source: priceSources,
  usage_source: usageSources,
  source: exchangeSources,
}

const earliest = Date.UTC(2020, 0, 1)
const longestText = 300
const longestWords = 3_000
const uuidv7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
/** Above it a double does not hold nine decimals any more; no call costs a thousandth of it. */
const maxCostUsd = 1_000_000
const columnsByName = new Map(exportColumns.map((column) => [column.name, column]))

/** What is wrong with the cells of a row, the first thing of each column. */
export function checkRow(cells: Cells, now: number): RowMistake[] {
  if ((cells.created_at ?? '') === '') return [{ column: 'created_at', message: 'is missing' }]
  return Object.entries(cells).flatMap(([name, cell]) => {
    const column = columnsByName.get(name)
    if (column === undefined || cell === null) return []
    const message = mistakeIn(column, cell, now)
    return message === null ? [] : [{ column: name, message }]
  })
}

function mistakeIn({ name, type }: ExportColumn, cell: string, now: number): string | null {
  switch (type) {
    case 'time': {
      const ms = timeOf(cell)
      if (Number.isNaN(ms)) return `${shown(cell)} is not an ISO 8601 time with a zone, such as 2026-01-31T12:00:00Z`
      return ms < earliest || ms > now + 86_400_000 ? `${shown(cell)} is before 2020 or in the future` : null
    }
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(cell) ? null : `${shown(cell)} is not a UUID`
    case 'integer': {
      const most = name === 'status_code' || name === 'upstream_status' ? 999 : 1e12
      if (!/^\d{1,15}$/.test(cell) || Number(cell) > most) return `${shown(cell)} is not a whole number up to ${most}`
      return name === 'status_code' && Number(cell) < 100 ? `${shown(cell)} is not an HTTP status` : null
    }
    case 'number':
      return /^\d{1,12}(\.\d{1,20})?$/.test(cell) ? null : `${shown(cell)} is not a number that is zero or more`
    case 'decimal':
      return /^\d{1,9}(\.\d{1,9})?$/.test(cell) && Number(cell) <= maxCostUsd
        ? null
        : `${shown(cell)} is not an amount with at most nine decimals up to ${maxCostUsd}`
    case 'boolean':
      return cell === 'true' || cell === 'false' ? null : `${shown(cell)} is neither true nor false`
    case 'words':
      return mistakeInText(name, restored(cell), longestWords)
    case 'text':
      return mistakeInText(name, restored(cell), longestText)
  }
}

function mistakeInText(name: string, text: string, longest: number): string | null {
  if (text.length > longest) return `is longer than ${longest} characters`
  if (text.includes('\0')) return 'has a NUL character in it'
  const allowed = Object.hasOwn(sets, name) ? sets[name] : undefined
  if (allowed !== undefined && !allowed.has(text)) return `${shown(text)} is none of ${[...allowed].join(', ')}`
  if (name === 'error_type' && !Object.hasOwn(errorTable, text))
    return `${shown(text)} is no error type (see errors.md)`
  return null
}

/** Epoch milliseconds; NaN for what has no zone, as the zone of this machine says nothing about the file. */
function timeOf(cell: string): number {
  const isIso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|UTC|[+-]\d\d(:?\d\d)?)$/i.test(cell)
  if (!isIso) return Number.NaN
  const zoned = cell
    .replace(' ', 'T')
    .replace(/\s?UTC$/i, 'Z')
    .replace(/([+-]\d\d)$/, '$1:00')
  return Date.parse(zoned)
}

const shown = (cell: string): string => JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell)

/** A checked row as a row of the ledger. What it leaves out is what a call that went well would have. */
export function toExchange(cells: Cells, { domain, priceBook }: RowDefaults): ImportedExchange {
  const text = (name: string): string | null => {
    const cell = cells[name] ?? null
    return cell === null ? null : restored(cell)
  }
  const number = (name: string): number | null => {
    const cell = cells[name] ?? null
    return cell === null ? null : Number(cell)
  }
  const words = (name: string): string[] => (text(name) ?? '').split(' ').filter((word) => word !== '')
  const count = (name: string): number => number(name) ?? 0
  const openedAt = timeOf(cells.created_at ?? '')
  const statusCode = number('status_code') ?? 200
  const durationMs = number('response_time_ms')
  const route = text('route')
  const searches = number('web_search_requests')
  const usage = {
    input: count('input_tokens'),
    output: count('output_tokens'),
    cacheRead: count('cache_read_tokens'),
    cacheWrite5m: count('cache_write_5m_tokens'),
    cacheWrite1h: count('cache_write_1h_tokens'),
    reasoning: number('reasoning_tokens'),
  }
  const exchange = {
    kind: 'closed',
    id: idOf(cells, openedAt),
    openedAt,
    closedAt: openedAt + Math.round(durationMs ?? 0),
    method: text('method') ?? 'POST',
    path: text('path') ?? '/v1/messages',
    // The closed sets were checked by `checkRow`.
    endpoint: (text('endpoint') ?? 'messages') as Endpoint,
    domain: text('domain') ?? domain,
    keyId: text('key_id'),
    account: text('account_id'),
    provider: text('provider'),
    requestedModel: text('requested_model'),
    model: text('model'),
    streaming: cells.streaming === 'true',
    sessionId: text('session_id'),
    agentId: text('agent_id'),
    parentAgentId: text('parent_agent_id'),
    requestBytes: count('request_bytes'),
    responseBytes: count('response_bytes'),
    statusCode,
    outcome: (text('outcome') ??
      (statusCode < 400 ? 'ok' : statusCode < 500 ? 'caller_error' : 'provider_error')) as Outcome,
    errorType: text('error_type') as ErrorType | null,
    errorMessage: text('error_message'),
    failedAfterFirstByte: cells.failed_after_first_byte === 'true',
    upstreamStatus: number('upstream_status'),
    upstreamRequestId: text('upstream_request_id'),
    stopReason: text('stop_reason'),
    attempts: number('attempts') ?? 1,
    durationMs,
    ttftMs: number('ttft_ms'),
    upstreamMs: number('upstream_ms'),
    overheadMs: number('overhead_ms'),
    usage,
    usageSource: (text('usage_source') ?? 'reported') as UsageSource,
    usageFlags: words('usage_flags'),
    serverToolUse:
      searches === null ? null : { webSearchRequests: searches, webFetchRequests: count('web_fetch_requests') },
    serviceTier: text('service_tier'),
    speed: text('speed'),
    inferenceGeo: text('inference_geo'),
    rateLimitHeaders: null,
    routing:
      route === null
        ? null
        : {
            rule: route,
            target: text('route_target'),
            tried: words('targets_tried'),
            movedFrom: text('moved_from'),
            notes: words('translation_notes'),
          },
  } as const
  const costUsd = number('cost_usd')
  if (costUsd === null) return { ...exchange, ...priceBook.price({ ...exchange, durationMs: 0, overheadMs: 0 }) }
  return { ...exchange, costUsd, priceSource: (text('price_source') ?? 'override') as PriceSource }
}

/**
 * The row's own id where it is one of ours; else one made of its time and of all that the row says, so that the same row is
 * the same call whenever it is imported.
 */
function idOf(cells: Cells, openedAt: number): string {
  const id = cells.id ?? null
  if (id !== null && uuidv7Pattern.test(id) && timeOfUuidv7(id) === openedAt) return id.toLowerCase()
  const said = id ?? JSON.stringify(Object.entries(cells).sort(([left], [right]) => (left < right ? -1 : 1)))
  return uuidv7Of(openedAt, createHash('sha256').update(said).digest())
}

import type { Pool } from 'pg'
import type { ExchangeSource } from '../core/exchange.ts'
import type { WriteImported } from '../core/ledger.ts'
import { ensurePartitionsOver } from './partitions.ts'
import type { Sql } from './sql.ts'

/** A call as its provider named it, and about when it was. */
export interface NamedCall {
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** The ledger's door for history. */
export interface LedgerImports {
  /** Writes rows, in partitions of their own months: what is old shall leave the ledger as all else does. */
  readonly write: WriteImported
  /** Which of these calls the ledger has already, and from where; `wire` where both know it. */
  knownCalls(calls: readonly NamedCall[]): Promise<ReadonlyMap<string, ExchangeSource>>
}

/** A call is in the ledger under the time of its opening, and told of by others at its end; clocks differ, too. */
const openedBeforeMs = 60 * 60_000
const openedAfterMs = 10 * 60_000

export function createImports(options: {
  readonly sql: Sql
  readonly pool: Pool
  readonly write: WriteImported
}): LedgerImports {
  const { sql, pool, write } = options
  const monthsMade = new Set<number>()
  return {
    async write(batch) {
      for (const { openedAt } of batch) {
        const date = new Date(openedAt)
        const month = date.getUTCFullYear() * 12 + date.getUTCMonth()
        if (monthsMade.has(month) || !Number.isFinite(month)) continue
        await ensurePartitionsOver(pool, { from: openedAt, to: openedAt + 1 })
        monthsMade.add(month)
      }
      return write(batch)
    },
    async knownCalls(calls) {
      const known = new Map<string, ExchangeSource>()
      if (calls.length === 0) return known
      const spans = spansOf(calls.map((call) => call.at))
      const rows = await sql.query<{ upstream_request_id: string; measured: boolean }>(
        'known-calls',
        `SELECT upstream_request_id, bool_or(source = 'wire') AS measured
         FROM unnest($1::timestamptz[], $2::timestamptz[]) AS span(start, stop),
           LATERAL (SELECT upstream_request_id, source FROM api_requests
             WHERE created_at >= start AND created_at < stop AND upstream_request_id = ANY($3::text[])) AS held
         GROUP BY upstream_request_id`,
        [
          spans.map((span) => new Date(span.from)),
          spans.map((span) => new Date(span.to)),
          calls.map((call) => call.requestId),
        ],
      )
      for (const row of rows) known.set(row.upstream_request_id, row.measured ? 'wire' : 'import')
      return known
    },
  }
}

/** The stretches of the ledger that may hold calls of these times: few, as the calls of a conversation stand together. */
export function spansOf(times: readonly number[]): { readonly from: number; readonly to: number }[] {
  const spans: { from: number; to: number }[] = []
  for (const at of [...times].sort((left, right) => left - right)) {
    const last = spans.at(-1)
    const from = at - openedBeforeMs
    const to = at + openedAfterMs
    if (last !== undefined && from <= last.to) last.to = to
    else spans.push({ from, to })
  }
  return spans
}

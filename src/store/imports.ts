import type { Pool } from 'pg'
import type { ExchangeSource, ImportedExchange } from '../core/exchange.ts'
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
  /**
   * Writes rows, in partitions of their own months: what is old shall leave the ledger as all else does. Rows of a day whose
   * rows have left it already are rejected: its sums are still there, and would count them twice.
   */
  readonly write: WriteImported
  /** Which of these calls the ledger has already, and from where; `wire` where both know it. */
  knownCalls(calls: readonly NamedCall[]): Promise<ReadonlyMap<string, ExchangeSource>>
}

const leftReason = 'of days whose rows retention has let go'
const dayMs = 86_400_000
const dayOf = (time: number): number => Math.floor(time / dayMs) * dayMs

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
  const daysLookedAt = new Map<number, 'open' | 'left'>()

  /** Looks once a run at each day of the batch: are there sums of it, and no rows any more? */
  async function lookAt(batch: readonly ImportedExchange[]): Promise<void> {
    const days = new Set(batch.map(({ openedAt }) => dayOf(openedAt)))
    const unknown = [...days].filter((day) => Number.isFinite(day) && !daysLookedAt.has(day))
    if (unknown.length === 0) return
    const rows = await sql.query<{ day: Date }>(
      'days-left',
      `SELECT day FROM unnest($1::timestamptz[]) AS asked(day)
       WHERE EXISTS (SELECT FROM rollup_day WHERE bucket = day)
         AND NOT EXISTS (SELECT FROM api_requests WHERE created_at >= day AND created_at < day + interval '24 hours')`,
      [unknown.map((day) => new Date(day))],
    )
    for (const day of unknown) daysLookedAt.set(day, 'open')
    for (const { day } of rows) daysLookedAt.set(day.getTime(), 'left')
  }

  return {
    async write(batch) {
      await lookAt(batch)
      const hasLeft = ({ openedAt }: ImportedExchange): boolean => daysLookedAt.get(dayOf(openedAt)) === 'left'
      const open = batch.filter((exchange) => !hasLeft(exchange))
      for (const { openedAt } of open) {
        const date = new Date(openedAt)
        const month = date.getUTCFullYear() * 12 + date.getUTCMonth()
        if (monthsMade.has(month) || !Number.isFinite(month)) continue
        await ensurePartitionsOver(pool, { from: openedAt, to: openedAt + 1 })
        monthsMade.add(month)
      }
      const { inserted, rejected } = await write(open)
      const left = batch.filter(hasLeft).map(({ id }) => ({ id, reason: leftReason }))
      return { inserted, rejected: [...rejected, ...left] }
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

/** A ledger in memory that answers the API's questions, for tests of the API and the page without a database. */
import type { ApiQueries, Buckets, Percentiles, Range, Sums } from '../../src/api/queries.ts'
import type { ExportRows } from '../../src/api/resources/export.ts'
import type { RecordedExchange } from '../../src/core/exchange.ts'

export interface FakeLedger extends ApiQueries {
  readonly exportRows: ExportRows
  add(...exchanges: readonly RecordedExchange[]): void
  clear(): void
  /** Every question fails with this until it is null again. */
  failure: Error | null
  /** How many questions were asked. */
  questions: number
}

export function createFakeLedger(): FakeLedger {
  let rows: RecordedExchange[] = []

  function select(range: Range, matches: (row: RecordedExchange) => boolean = () => true): RecordedExchange[] {
    ledger.questions += 1
    if (ledger.failure !== null) throw ledger.failure
    return rows.filter((row) => row.openedAt >= range.from && row.openedAt < range.to && matches(row))
  }

  const facts = { source: 'memory', truncated: false }
  const ledger: FakeLedger = {
    failure: null,
    questions: 0,
    add(...exchanges) {
      rows.push(...exchanges)
    },
    clear() {
      rows = []
    },
    async stats({ from, to, domain }) {
      const found = select({ from, to }, (row) => domain === null || row.domain === domain)
      return {
        ...facts,
        from,
        to,
        total: sums(found),
        cancelled: found.filter((row) => row.outcome === 'cancelled').length,
        responseTimeMs: percentiles(found.map((row) => row.durationMs)),
        ttftMs: percentiles(found.flatMap((row) => row.ttftMs ?? [])),
        byDomain: groups(found, (row) => row.domain).map(([name, own]) => ({ domain: name, ...sums(own) })),
        byModel: groups(found, (row) => row.model ?? '').map(([model, own]) => ({
          provider: own[0]?.provider ?? null,
          model: model || null,
          ...sums(own),
          responseTimeMs: percentiles(own.map((row) => row.durationMs)),
        })),
        errorsByType: groups(
          found.filter((row) => row.errorType !== null),
          (row) => row.errorType ?? '',
        ).map(([errorType, own]) => ({ errorType, requests: own.length })),
      }
    },
    async timeline({ from, to, domain, stepMs }) {
      const found = select({ from, to }, (row) => domain === null || row.domain === domain)
      const points = groups(found, (row) => String(Math.floor(row.openedAt / stepMs) * stepMs))
        .map(([at, own]) => ({
          at: Number(at),
          ...sums(own),
          responseTimeP95Ms: percentiles(own.map((row) => row.durationMs)).p95,
          ttftP95Ms: percentiles(own.flatMap((row) => row.ttftMs ?? [])).p95,
        }))
        .sort((left, right) => left.at - right.at)
      return { ...facts, from, to, points }
    },
    async currentUsage({ from, to, account }) {
      const found = select({ from, to }, (row) => account === null || row.account === account)
      return groups(found, (row) => row.account ?? '').map(([name, own]) => {
        const { requests, tokens, costUsd } = sums(own)
        return {
          from,
          to,
          account: name || null,
          requests,
          tokens,
          costUsd,
          limit: null,
          percentage: null,
          resetsAt: null,
          basis: 'all_tokens',
          source: 'none',
          sampleAgeSeconds: null,
        }
      })
    },
    async dailyUsage({ from, to, account, aggregate }) {
      const found = select({ from, to }, (row) => account === null || row.account === account)
      const days = groups(found, (row) => {
        const date = new Date(row.openedAt).toISOString().slice(0, 10)
        return aggregate ? date : [date, row.domain, row.model].join('\t')
      })
      const dayRows = days.map(([key, own]) => {
        const [date = '', domain, model] = key.split('\t')
        const { requests, tokens, costUsd } = sums(own)
        return { date, ...(domain !== undefined && { domain, model: model || null }), requests, tokens, costUsd }
      })
      return { ...facts, from, to, rows: dayRows }
    },
    async recentExchanges({ from, to, after, limit, filter }) {
      return select({ from, to }, (row) => {
        if (after !== null && !isBehind(row, after)) return false
        if (filter.status === 'failed' && (row.outcome === 'ok' || row.outcome === 'cancelled')) return false
        if (
          filter.status !== undefined &&
          filter.status !== 'failed' &&
          !String(row.statusCode).startsWith(filter.status[0] ?? '')
        )
          return false
        return (
          (filter.domain ?? row.domain) === row.domain &&
          (filter.account ?? row.account) === row.account &&
          (filter.model ?? row.model) === row.model &&
          (filter.provider ?? row.provider) === row.provider &&
          (filter.outcome ?? row.outcome) === row.outcome &&
          (filter.errorType ?? row.errorType) === row.errorType &&
          (filter.sessionId ?? row.sessionId) === row.sessionId &&
          (filter.keyId ?? row.keyId) === row.keyId
        )
      })
        .sort((left, right) => (isBehind(left, right) ? 1 : -1))
        .slice(0, limit)
        .map((row) => ({ ...row, source: 'wire' }))
    },
    async *exportRows({ from, to, filter }) {
      const found = select({ from, to }, (row) => (filter.domain ?? row.domain) === row.domain)
      for (const row of found) yield [{ id: row.id, created_at: new Date(row.openedAt), domain: row.domain }]
    },
    async exchangeById(id) {
      const row = select({ from: 0, to: Number.MAX_SAFE_INTEGER }, (one) => one.id === id)[0]
      return row === undefined ? null : { ...row, source: 'wire' }
    },
  }
  return ledger
}

interface Place {
  readonly openedAt: number
  readonly id: string
}

function isBehind(row: Place, place: Place): boolean {
  return row.openedAt < place.openedAt || (row.openedAt === place.openedAt && row.id < place.id)
}

function groups(
  rows: readonly RecordedExchange[],
  keyOf: (row: RecordedExchange) => string,
): [string, RecordedExchange[]][] {
  const found = new Map<string, RecordedExchange[]>()
  for (const row of rows) found.set(keyOf(row), [...(found.get(keyOf(row)) ?? []), row])
  return [...found].sort(([, left], [, right]) => right.length - left.length)
}

function sums(rows: readonly RecordedExchange[]): Sums {
  const total = (pick: (row: RecordedExchange) => number): number => rows.reduce((sum, row) => sum + pick(row), 0)
  const tokens: Buckets = {
    input: total((row) => row.usage.input),
    output: total((row) => row.usage.output),
    cacheRead: total((row) => row.usage.cacheRead),
    cacheWrite5m: total((row) => row.usage.cacheWrite5m),
    cacheWrite1h: total((row) => row.usage.cacheWrite1h),
  }
  const errors = rows.filter((row) => row.outcome !== 'ok' && row.outcome !== 'cancelled').length
  return { requests: rows.length, errors, tokens, costUsd: total((row) => row.costUsd) }
}

function percentiles(values: number[]): Percentiles {
  const sorted = [...values].sort((left, right) => left - right)
  const at = (share: number): number | null =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

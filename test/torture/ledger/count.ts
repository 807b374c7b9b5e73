/**
 * The independent counter. It knows nothing of how Signalbox writes: it compares what the writers acknowledged in their own
 * logs with the rows of the ledger, and the rollups with sums that it makes itself from those rows.
 */
import { expect } from 'vitest'
import { until } from '../../support/until.ts'
import type { Database } from './database.ts'
import type { Recording } from './recording.ts'

const keys = [
  'domain',
  'account_id',
  'key_id',
  'provider',
  'model',
  'endpoint',
  'status_code',
  'outcome',
  'error_type',
  'source',
]
const sums = [
  ...['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens'],
  ...['reasoning_tokens', 'cost_usd'],
]

export interface Counted {
  readonly rows: number
  /** Rows of calls whose process was killed. */
  readonly interrupted: number
}

/**
 * Every acknowledged exchange has one row, nobody else has one (but those whose writer was killed), and each rollup equals
 * the sums of the rows. `rowsFrom` names the relation of all rows, where a test has taken partitions away.
 */
export async function expectExact(
  database: Database,
  recordings: readonly Recording[],
  options: { rowsFrom?: string; killedWriters?: boolean } = {},
): Promise<Counted> {
  const rowsFrom = options.rowsFrom ?? 'api_requests'
  const acknowledged = recordings.flatMap(({ writers }) => writers.flatMap((writer) => writer.acknowledged()))
  expect(new Set(acknowledged).size, 'acknowledged ids are distinct').toBe(acknowledged.length)
  expect(acknowledged.length, 'the writers wrote').toBeGreaterThan(0)
  const outcomes = await until(
    `all of ${acknowledged.length} acknowledged exchanges are in the ledger`,
    async () => {
      const [count] = await database.query<{ n: string }>(`select count(*) as n from ${rowsFrom}`).catch(() => [])
      if (count === undefined || Number(count.n) < acknowledged.length) return undefined
      const rows = await database.query<{ id: string; outcome: string }>(`select id, outcome from ${rowsFrom}`)
      const found = new Map(rows.map(({ id, outcome }) => [id, outcome]))
      expect(found.size, 'rows with an id of their own').toBe(rows.length)
      return acknowledged.every((id) => found.has(id)) ? found : undefined
    },
    120_000,
  )
  const wanted = new Set(acknowledged)
  const others = [...outcomes].filter(([id]) => !wanted.has(id))
  const interrupted = others.filter(([, outcome]) => outcome === 'interrupted').length
  if (options.killedWriters !== true) expect(others, 'rows that nobody wrote').toEqual([])
  expect(
    acknowledged.filter((id) => outcomes.get(id) === 'interrupted'),
    'ends that were taken for none',
  ).toEqual([])
  await expectSums(database, rowsFrom)
  return { rows: outcomes.size, interrupted }
}

/** Every tier, key by key and slot by slot. */
export async function expectSums(database: Database, rowsFrom = 'api_requests'): Promise<void> {
  for (const tier of ['minute', 'hour', 'day']) {
    const bucket = `date_trunc('${tier}', created_at, 'UTC')`
    const model = `coalesce(model, case when outcome not in ('caller_error', 'policy_refused') then requested_model end, '')`
    const raw = `
      select ${bucket} as bucket, domain, coalesce(account_id, '') as account_id, coalesce(key_id, '') as key_id,
        coalesce(provider, '') as provider, left(${model}, 100) as model, endpoint, status_code, outcome,
        coalesce(error_type, '') as error_type, source, count(*) as requests,
        ${sums.map((name) => `coalesce(sum(${name}), 0) as ${name}`).join(', ')}
      from ${rowsFrom} group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11`
    const columns = ['bucket', ...keys, 'requests', ...sums].join(', ')
    expect(await differences(database, raw, `rollup_${tier}`, columns), `rollup_${tier}`).toEqual([])

    // A histogram is one number: the calls of a slot stand in twelve decimal digits of their own, from slot 640 on; slots
    // end at 0.001 and 10^9 ms. Here it is made with log() of numeric, where the ledger computes with floating point.
    const histogram = (column: string): string => {
      const slot = `floor(64 * log(2::numeric, least(greatest(${column}, 0.001), 1e9)::numeric) + 1e-9)`
      return `coalesce(sum(n * ('1e' || (12 * (${slot} - 640))::int)::numeric) filter (where ${column} is not null), 0)`
    }
    const slots = `
      select bucket, domain, provider, model, ${histogram('response_time_ms')} as response_time, ${histogram('ttft_ms')} as ttft
      from (select ${bucket} as bucket, domain, coalesce(provider, '') as provider, left(${model}, 100) as model,
          response_time_ms, ttft_ms, count(*) as n
        from ${rowsFrom} where source = 'wire' group by 1, 2, 3, 4, 5, 6) as grouped
      group by 1, 2, 3, 4`
    // Thousands of digits would be no help to who reads a failure.
    const short = (column: string): string => `md5(trim_scale(${column})::text) as ${column}`
    const slotColumns = `bucket, domain, provider, model, ${short('response_time')}, ${short('ttft')}`
    expect(await differences(database, slots, `latency_${tier}`, slotColumns), `latency_${tier}`).toEqual([])
  }
}

/** Rows that are in one of the two and not in the other; a few will do. */
function differences(database: Database, made: string, table: string, columns: string): Promise<unknown[]> {
  const [left, right] = [`select ${columns} from (${made}) as made`, `select ${columns} from ${table}`]
  return database.query(`
    (select 'made from rows' as side, * from (${left} except all ${right}) as a limit 3)
    union all (select 'held' as side, * from (${right} except all ${left}) as b limit 3)`)
}

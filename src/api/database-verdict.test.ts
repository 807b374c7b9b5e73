import { describe, expect, test } from 'vitest'
import { createFakeDatabase, quietSelf, troubled } from '../../test/support/fake-database.ts'
import type { Database } from '../contract/database.ts'
import { judgeDatabase } from './database-verdict.ts'

type Figures = Parameters<typeof judgeDatabase>[0]

const now = Date.UTC(2026, 10, 23, 12)

function healthy(): Figures {
  const { database, recorder, process } = quietSelf
  return {
    taken_at: new Date(now).toISOString(),
    up: true,
    kind: 'embedded',
    pool: { ...database.pool, wait_p95_ms: 0.4 },
    recorder: {
      queue_rows: recorder.queueRows,
      queue_bytes: recorder.queueBytes,
      lag_seconds: recorder.lagSeconds,
      journal_bytes: recorder.journalBytes,
      written_total: recorder.writtenTotal,
      write_errors_total: recorder.writeErrorsTotal,
      dropped_total: {},
      open_exchanges: recorder.openExchanges,
    },
    process,
    ...createFakeDatabase(now).parts,
  }
}

const codes = (figures: Figures): string[] => judgeDatabase(figures).map(({ code }) => code)

/** A part of a healthy answer; the sample has all of them. */
function part<Name extends keyof Figures>(name: Name): NonNullable<Figures[Name]> {
  const found = healthy()[name]
  if (found === null || found === undefined) throw new Error(`the sample has no ${name}`)
  return found
}

test('a healthy database has no findings', () => {
  expect(judgeDatabase(healthy())).toEqual([])
})

describe('thresholds', () => {
  const connections = (used: number): Partial<Figures> => ({ connections: { ...part('connections'), used } })
  const size = (days: number): Partial<Figures> => ({ size: { ...part('size'), days_to_full: days } })
  const ahead = (days: number): Partial<Figures> => ({ partitions: { ...part('partitions'), ahead_days: days } })
  const recorder = (rest: Partial<Database['recorder']>): Partial<Figures> => ({
    recorder: { ...part('recorder'), ...rest },
  })
  const traffic = (rest: Partial<NonNullable<Database['traffic']>>): Partial<Figures> => ({
    traffic: { ...part('traffic'), ...rest },
  })
  const activity = (rest: Partial<NonNullable<Database['activity']>>): Partial<Figures> => ({
    activity: { ...part('activity'), ...rest },
  })

  test.each<[string, Partial<Figures>, readonly string[]]>([
    ['80 % of the connections', connections(80), []],
    ['81 % of the connections', connections(81), ['connections_high']],
    ['91 % of the connections', connections(91), ['connections_exhausted']],
    ['31 days to full', size(31), []],
    ['29 days to full', size(29), ['disk_fills']],
    ['6 days to full', size(6), ['disk_full_soon']],
    ['partitions for 2 days', ahead(2), ['partitions_short']],
    ['no partition for now', ahead(0), ['partitions_missing']],
    ['one record set aside', recorder({ dropped_total: { unreadable: 1 } }), ['records_set_aside']],
    ['a ledger that is 31 s behind', recorder({ lag_seconds: 31 }), ['ledger_behind']],
    ['a cold cache', traffic({ cache_hit_ratio: 0.9, blocks_hit: 900, blocks_read: 100 }), []],
    ['a cache that misses', traffic({ cache_hit_ratio: 0.9, blocks_hit: 9e6, blocks_read: 1e6 }), ['cache_misses']],
    ['a failed checksum', traffic({ checksum_failures: 1 }), ['checksum_failures']],
    ['a statement of six minutes', activity({ longest_statement_seconds: 360 }), ['long_running']],
    ['31 s idle in a transaction', activity({ longest_idle_in_transaction_seconds: 31 }), ['idle_in_transaction']],
    ['a replica 61 s behind', { replication: { replay_lag_seconds: 61, replicas: [], slots: [] } }, ['replica_behind']],
    ['half of the transaction ids', { transaction_ids: { age: 1, limit: 2, ratio: 0.51 } }, ['transaction_ids_high']],
    ['rollups that lag', { rollups: { ...part('rollups'), lag_seconds: 61 } }, ['rollups_behind']],
  ])('%s', (_name, change, expected) => {
    expect(codes({ ...healthy(), ...change })).toEqual(expected)
  })
})

test('what is critical comes first', () => {
  const fake = createFakeDatabase(now)
  troubled(fake)
  const findings = judgeDatabase({ ...healthy(), ...fake.parts })
  expect(findings[0]).toMatchObject({ level: 'critical', code: 'connections_exhausted' })
  expect(findings.filter(({ level }) => level === 'critical')).toHaveLength(1)
  expect(findings.length).toBeGreaterThan(5)
})

test('a database that is away is one finding, and the process’s own figures are judged all the same', () => {
  const { recorder } = healthy()
  const nothing = Object.fromEntries(
    Object.keys(createFakeDatabase(now).parts).map((name) => [name, name === 'gaps' ? [] : null]),
  )
  // Every part of the database is null, as the resource gives it then.
  const figures = { ...healthy(), ...nothing, up: false, recorder: { ...recorder, lag_seconds: 90 } } as Figures
  expect(codes(figures)).toEqual(['database_away', 'ledger_behind'])
})

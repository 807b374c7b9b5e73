import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase } from '../../../../test/support/postgres.ts'
import { recordedExchange } from '../../../../test/support/recorded-exchange.ts'
import { installedServers, startServerPostgres } from '../../../../test/support/server-postgres.ts'
import { until } from '../../../../test/support/until.ts'
import { database as contract } from '../../../contract/database.ts'
import { systemClock } from '../../../core/clock.ts'
import { silentLogger } from '../../../core/logger.ts'
import { connectionConfig } from '../../drivers/server.ts'
import { openStore, type Store, storeConfigSchema } from '../../index.ts'
import { activity } from './activity.ts'
import { readDatabase } from './index.ts'
import { nameOfStatement } from './without-literals.ts'

interface Place {
  readonly url: string
  close(): Promise<void>
}

const preload = { shared_preload_libraries: 'pg_stat_statements' }

const places: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'the PostgreSQL of this run',
    async () => {
      const { url, drop } = await createTestDatabase()
      await ask(url, 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
      return { url, close: drop }
    },
  ],
  ...installedServers.map(
    (major) =>
      [
        `PostgreSQL ${major}`,
        async () => {
          const { url, stop } = await startServerPostgres(major, preload)
          await ask(url, 'CREATE EXTENSION pg_stat_statements')
          return { url, close: stop }
        },
      ] as const,
  ),
]

async function ask(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

async function open(url: string, rest: Record<string, unknown> = {}): Promise<Store> {
  const store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: url, readTimeoutMs: 20_000, ...rest }),
    dataDir: '/nonexistent',
    clock: systemClock,
    logger: silentLogger,
  })
  await store.ready
  return store
}

/** The parts as the contract has them, undefined and wrong types included. */
const shape = contract.response.omit({
  taken_at: true,
  up: true,
  kind: true,
  verdict: true,
  findings: true,
  pool: true,
  recorder: true,
  process: true,
})

describe.each(places)('on %s', (_name, start) => {
  let place: Place
  let store: Store
  const clients: pg.Client[] = []
  const now = systemClock.now()

  beforeAll(async () => {
    place = await start()
    store = await open(place.url)
    await store.writeExchanges([recordedExchange(now - 7_200_000), recordedExchange(now - 1_000)])
  }, 120_000)
  afterAll(async () => {
    await store?.close()
    await place?.close()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)))
  })

  async function connect(url = place.url, name = 'somebody'): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, application_name: name })
    client.on('error', () => undefined)
    await client.connect()
    clients.push(client)
    return client
  }

  test('every part is there and has the shape of the contract', async () => {
    const parts = await store.report.read()
    expect(parts.gaps).toEqual([])
    expect(shape.parse(parts)).toEqual(parts)
    const { gaps: _gaps, last_backup_at: _backup, io, ...rest } = parts
    for (const [name, part] of Object.entries(rest)) expect(part, name).not.toBeNull()
    expect(io === null).toBe((parts.server.version_number ?? 0) < 160_000)
  })

  test('connections are told apart: ours by purpose, and those of others', async () => {
    await connect()
    await until('both are seen', async () => {
      const { connections } = await store.report.read()
      if (connections === null) return false
      const { used, max, ours, others, by_state } = connections
      expect(used).toBeLessThanOrEqual(max)
      expect(ours.reduce((sum, one) => sum + one.connections, 0) + others).toBe(used)
      expect(by_state.reduce((sum, one) => sum + one.connections, 0)).toBe(used)
      return others > 0 && ours.some(({ purpose }) => purpose === 'reader')
    })
  })

  test('a long statement, an idle transaction and who waits for it are shown, without literals', async () => {
    const holder = await connect()
    const waiter = await connect()
    await holder.query('BEGIN; LOCK TABLE client_keys IN ACCESS EXCLUSIVE MODE')
    const waits = waiter.query(`SELECT 'hush-hush', * FROM client_keys`).catch(() => undefined)
    const pids = [holder, waiter].map((client) => ('processID' in client ? Number(client.processID) : 0))
    await until('the wait is seen', async () => {
      // Sizes would wait for the very lock, as they should with a limit of their own.
      const { activity } = await readActivity(place.url)
      return activity.blocked.some(({ pid, blocked_by }) => pid === pids[1] && blocked_by.includes(pids[0] ?? -1))
    })
    const { activity } = await readActivity(place.url)
    const blocked = activity.blocked.find(({ pid }) => pid === pids[1])
    expect(blocked?.query).toBe('SELECT ?, * FROM client_keys')
    expect(JSON.stringify(activity)).not.toContain('hush')
    expect(activity.idle_in_transaction).toBeGreaterThanOrEqual(1)
    expect(activity.longest_transaction_seconds).toBeGreaterThan(0)
    await holder.query('ROLLBACK')
    await waits
  })

  test('a table that is locked costs its own part after the limit, and the rest still comes', async () => {
    const hasty = await open(place.url, { readTimeoutMs: 400 })
    const holder = await connect()
    await holder.query('BEGIN; LOCK TABLE client_keys IN ACCESS EXCLUSIVE MODE')
    try {
      const parts = await hasty.report.read()
      expect(parts.tables).toBeNull()
      expect(parts.gaps).toContainEqual({ part: 'tables', reason: 'The database took too long to tell.', fix: null })
      expect(parts.connections).not.toBeNull()
      expect(parts.migrations?.length).toBeGreaterThan(0)
    } finally {
      await holder.query('ROLLBACK')
      await hasty.close()
    }
  })

  test('statements of ours carry their name, none carries a literal', async () => {
    await store.queries.tokenStats()
    await store.queries.tokenStats()
    for (let run = 0; run < 2; run++) {
      await ask(place.url, `SELECT pg_sleep(0.05), 'hush-hush' FROM api_requests LIMIT 1`)
      await ask(place.url, `DO $$ BEGIN PERFORM pg_sleep(0.05), 'hush-hush'; END $$`)
    }
    await until('they are listed', async () => {
      const { statements } = await store.report.read()
      expect(JSON.stringify(statements)).not.toContain('hush')
      return statements?.slowest.some(({ query }) => query?.includes('pg_sleep')) === true
    })
    const { rows } = await ask(place.url, 'SELECT query FROM pg_stat_statements')
    expect(rows.map(({ query }) => nameOfStatement(query))).toContain('token-stats')
  })

  test('sizes, growth and rows a day come out of what is there', async () => {
    const { tables, size, indexes } = await store.report.read()
    const ledger = tables?.find(({ name }) => name === 'api_requests')
    expect(ledger?.partitions).toBeGreaterThan(1)
    expect(ledger?.total_bytes).toBe((ledger?.table_bytes ?? 0) + (ledger?.index_bytes ?? 0))
    expect(indexes?.map(({ table }) => table)).toContain('api_requests')
    // Two rows in two hours, give or take the start of the minute.
    expect(size?.rows_per_day).toBeGreaterThan(22)
    expect(size?.rows_per_day).toBeLessThan(25)
    // A table of two rows tells nothing of what a row takes.
    expect([size?.bytes_per_row, size?.growth_bytes_per_day, size?.days_to_full]).toEqual([null, null, null])
    expect(size?.database_bytes).toBeGreaterThan(1_000_000)
    expect(size?.disk).toBeNull()
  })

  test('with enough rows it is known what one takes, and what a day brings', async () => {
    const minuteAgo = now - 3_600_000
    const rows = Array.from({ length: 1500 }, (_, index) => recordedExchange(minuteAgo + index))
    await store.writeExchanges(rows)
    await ask(place.url, 'ANALYZE')
    const { tables, size } = await store.report.read()
    expect(size?.bytes_per_row).toBeGreaterThan(200)
    expect(size?.bytes_per_row).toBeLessThan(2_000)
    const ledger = tables?.find(({ name }) => name === 'api_requests')
    // An estimate: counts of sessions that are told late come on top.
    expect(ledger?.rows).toBeGreaterThanOrEqual(1502)
    const expected = (size?.rows_per_day ?? 0) * (size?.bytes_per_row ?? 0)
    expect(ledger?.growth_bytes_per_day).toBeCloseTo(expected, 0)
    expect(size?.growth_bytes_per_day).toBeGreaterThanOrEqual(expected * 0.999)
  })

  test('the calendar shows the partitions of this moment and ahead, without a gap', async () => {
    const { partitions } = await store.report.read()
    expect(partitions?.ahead_days).toBeGreaterThan(3)
    const states = partitions?.calendar.map(({ state }) => state)
    expect(states).toContain('current')
    expect(states).toContain('ahead')
    expect(states?.filter((state) => state === 'default').length).toBeGreaterThanOrEqual(1)
  })

  test('rollups are where the ledger is, until somebody writes past the recorder', async () => {
    expect((await store.report.read()).rollups).toMatchObject({
      lag_seconds: 0,
      newest_row_at: new Date(now - 1_000).toISOString(),
    })
    const late = new Date(now + 50_000).toISOString()
    await ask(
      place.url,
      `INSERT INTO api_requests (id, created_at, response_time_ms, overhead_ms, input_tokens, output_tokens, cache_read_tokens,
         cache_write_5m_tokens, cache_write_1h_tokens, request_bytes, response_bytes, status_code, attempts, streaming,
         failed_after_first_byte, cost_usd, domain, endpoint, method, path, outcome, price_source, usage_source, source)
       SELECT gen_random_uuid(), '${late}', response_time_ms, overhead_ms, input_tokens, output_tokens, cache_read_tokens,
         cache_write_5m_tokens, cache_write_1h_tokens, request_bytes, response_bytes, status_code, attempts, streaming,
         failed_after_first_byte, cost_usd, domain, endpoint, method, path, outcome, price_source, usage_source, source
       FROM api_requests LIMIT 1`,
    )
    // The row is in the minute of the newest bucket, or in the one after it.
    const { rollups } = await store.report.read()
    const minute = (at: string): number => Math.floor(Date.parse(at) / 60_000)
    const minutes = minute(late) - minute(new Date(now - 1_000).toISOString())
    expect(rollups?.lag_seconds).toBe(minutes * 60)
    await ask(place.url, `DELETE FROM api_requests WHERE created_at = '${late}'`)
  })

  test('rates appear with the second look', async () => {
    const fresh = await open(place.url)
    expect((await fresh.report.read()).traffic?.commits_per_second).toBeNull()
    await until('a rate', async () => ((await fresh.report.read()).wal?.bytes_per_second ?? -1) >= 0)
    await fresh.close()
  })

  test('a role without rights gets the statement that helps, and the rest', async () => {
    const role = `watcher_${now}`
    await ask(place.url, `CREATE ROLE ${role} LOGIN PASSWORD 'pass'; GRANT pg_read_all_data TO ${role}`)
    try {
      const { rows } = await ask(place.url, 'SELECT current_database() AS name')
      const url = new URL(place.url)
      url.username = role
      url.password = 'pass'
      url.pathname = rows[0].name
      const pool = new pg.Pool({ ...connectionConfig(url.href, 'watcher'), max: 2 })
      const sql = {
        query: async <R extends object>(_name: string, text: string, values: readonly unknown[] = []) =>
          (await pool.query<R & pg.QueryResultRow>(text, [...values])).rows,
      }
      const question = { clock: systemClock, kind: 'server', keepMs: () => null } as const
      const parts = await readDatabase(sql, question, { at: 0, commits: 0, walBytes: 0 })
      await pool.end()
      expect(parts.gaps).toContainEqual(
        expect.objectContaining({ part: 'activity', fix: `GRANT pg_monitor TO ${role};` }),
      )
      expect(parts.connections?.used).toBeGreaterThan(0)
      expect(parts.tables?.length).toBeGreaterThan(3)
      await ask(place.url, `GRANT pg_monitor TO ${role}`)
    } finally {
      await ask(place.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  })
})

async function readActivity(url: string) {
  const client = new pg.Client(connectionConfig(url, 'reader'))
  await client.connect()
  const sql = {
    query: async <R extends object>(_name: string, text: string) =>
      (await client.query<R & pg.QueryResultRow>(text)).rows,
  }
  try {
    return { activity: await activity(sql) }
  } finally {
    await client.end()
  }
}

test('without the extension the answer says how to make it', async () => {
  const { url, drop } = await createTestDatabase()
  await ask(url, 'DROP EXTENSION IF EXISTS pg_stat_statements')
  const store = await open(url)
  const { statements, gaps } = await store.report.read()
  expect(statements).toBeNull()
  expect(gaps).toEqual([
    {
      part: 'statements',
      reason: 'The extension pg_stat_statements is not made in this database.',
      fix: 'CREATE EXTENSION pg_stat_statements;',
    },
  ])
  await store.close()
  await drop()
})

describe.runIf(installedServers.length > 0)('a server that did not load the extension', () => {
  test('is told how to, keeping the libraries it has', async () => {
    const major = installedServers[0] ?? 15
    const server = await startServerPostgres(major, { shared_preload_libraries: 'auto_explain' })
    const store = await open(server.url)
    const { statements, gaps } = await store.report.read()
    expect(statements).toBeNull()
    const [gap] = gaps
    expect(gap?.fix).toBe(`ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements';`)
    // The statement itself must be one that the server takes.
    await ask(server.url, gap?.fix ?? '')
    await store.close()
    await server.stop()
  }, 120_000)
})

test('a database that is away rejects as a whole', async () => {
  const { url, drop } = await createTestDatabase()
  const store = await open(url)
  await drop()
  await expect(store.report.read()).rejects.toThrow()
  await store.close()
})

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { describeRows, describeSchema } from '../../test/support/describe-schema.ts'
import { createEmptyDatabase, createTestDatabase } from '../../test/support/postgres.ts'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { surviveBreaks } from './drivers/server.ts'
import { openStore, storeConfigSchema } from './index.ts'
import { migrate } from './migrate.ts'
import { ensurePartitionsOver, listPartitions } from './partitions.ts'
import { createNamedSql } from './run-named.ts'
import { createWriteExchanges } from './writers/write-exchanges.ts'

const root = new URL('../../', import.meta.url)
const golden = new URL('docs/schema.sql', root)
const releases = new URL('test/fixtures/schemas/', root)
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string } // ours
const noon = Date.UTC(2026, 10, 23, 12)

const extra: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of extra.splice(0).reverse()) await close()
})

async function databaseOf(make: typeof createTestDatabase) {
  const database = await make()
  extra.push(() => database.drop())
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  extra.push(() => client.end())
  return { url: database.url, client }
}

async function migrated(url: string): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url })
  surviveBreaks(pool)
  try {
    return await migrate(pool)
  } finally {
    await pool.end()
  }
}

const head = `-- The schema of Signalbox, as its migrations make it. Made by \`npx vitest run src/store/schema.test.ts -u\`; a test fails
-- while it differs. docs/database.md tells more.\n\n`

const withoutRemarks = (text: string): string => text.replaceAll(/^ *--.*\n/gm, '').trim()

describe('docs/schema.sql', () => {
  test('is what the migrations make', async () => {
    const { client } = await databaseOf(createTestDatabase)
    await expect(head + (await describeSchema(client))).toMatchFileSnapshot(fileURLToPath(golden))
  })

  test('is SQL that makes the same schema', async () => {
    const { client } = await databaseOf(createEmptyDatabase)
    const text = readFileSync(golden, 'utf8')
    await client.query(text)
    expect(withoutRemarks(await describeSchema(client))).toBe(withoutRemarks(text))
  })
})

describe('databases of released versions', () => {
  test('what this version leaves behind is kept for the versions to come', async () => {
    const { url, client } = await databaseOf(createTestDatabase)
    await writeHistory(url, client)
    const schema = withoutRemarks(await describeSchema(client))
    const partitions = (await listPartitions(client))
      .filter(({ from, to }) => from <= noon && noon < to)
      .map(({ table, name, from, to }) => {
        const [start, end] = [new Date(from).toISOString(), new Date(to).toISOString()]
        return `CREATE TABLE ${name} PARTITION OF ${table} FOR VALUES FROM ('${start}') TO ('${end}');\n`
      })
    const dump = `-- A database of Signalbox ${version}. Never edited once that version is released.\n${schema}\n\n${partitions.join('')}\n${await describeRows(client)}`
    await expect(dump).toMatchFileSnapshot(fileURLToPath(new URL(`${version}.sql`, releases)))
  })

  const files = readdirSync(releases).filter((name) => name.endsWith('.sql'))

  test('there are some', () => expect(files).toContain(`${version}.sql`))

  test.each(files)('%s becomes a database of today, with every row', async (file) => {
    const { url, client } = await databaseOf(createEmptyDatabase)
    await client.query(readFileSync(new URL(file, releases), 'utf8'))
    const counted = async () => {
      const { rows } = await client.query(`
        select (select count(*)::int from api_requests) as calls, (select count(*)::int from client_keys) as keys,
          (select sum(requests)::int from rollup_minute) as minute, (select sum(requests)::int from rollup_hour) as hour,
          (select sum(requests)::int from rollup_day) as day, (select sum(cost_usd)::text from rollup_day) as cost,
          (select sum(cost_usd)::text from api_requests) as receipts`)
      return rows[0]
    }
    const before = await counted()
    expect(before.calls).toBeGreaterThan(3)
    expect(before).toMatchObject({ minute: before.calls, hour: before.calls, day: before.calls, cost: before.receipts })

    await migrated(url)
    expect(await migrated(url)).toEqual([])
    expect(withoutRemarks(await describeSchema(client))).toBe(withoutRemarks(readFileSync(golden, 'utf8')))
    expect(await counted()).toEqual(before)

    // And it works: what was there is found, what comes is taken.
    const config = storeConfigSchema.parse({ databaseUrl: url })
    const store = await openStore({ config, dataDir: '/nonexistent', clock: systemClock, logger: silentLogger })
    extra.push(() => store.close())
    await store.ready
    expect(await store.writeExchanges([recordedExchange(noon + 60_000)])).toEqual({ inserted: 1, rejected: [] })
    expect((await store.queries.tokenStats()).total_requests).toBe(before.calls + 1)
    expect((await store.keys.all()).length).toBe(before.keys)
  })
})

/** A little of everything, the same in each run. */
async function writeHistory(url: string, client: pg.Client): Promise<void> {
  const pool = new pg.Pool({ connectionString: url })
  surviveBreaks(pool)
  await ensurePartitionsOver(pool, { from: noon, to: noon + 1 })
  const options = { clock: systemClock, logger: silentLogger, slowQueryThresholdMs: 60_000, onQuery: () => undefined }
  const write = createWriteExchanges(createNamedSql({ ...options, pool, isReady: () => true }))
  const id = (n: number): string => `019ab0c4-9f00-7000-8000-${String(n).padStart(12, '0')}`
  await write([
    recordedExchange(noon, { id: id(1) }),
    recordedExchange(noon + 30_000, {
      id: id(2),
      domain: 'it’s "quoted"',
      sessionId: '3f2b8c1e-0000-4000-8000-000000000001',
      usageFlags: ['write_split_inferred', 'no_split'],
      rateLimitHeaders: { 'anthropic-ratelimit-unified-5h-utilization': '0.62' },
    }),
    recordedExchange(noon + 3_600_000, {
      id: id(3),
      statusCode: 529,
      outcome: 'provider_error',
      errorType: 'provider_overloaded',
      errorMessage: 'Overloaded',
      ttftMs: null,
      routing: {
        rule: 'cheap',
        target: 'groq/x',
        tried: ['groq/x:529'],
        movedFrom: 'openai/y',
        notes: ['dropped:top_k'],
      },
    }),
    recordedExchange(noon - 60 * 86_400_000, { id: id(4), account: null, keyId: null, model: null }),
  ])
  await pool.end()
  await client.query(`
    insert into client_keys values
      ('k_0123456789ab', repeat('ab', 32), 'web', 'ci', '2026-11-01 00:00+00', '2027-11-01 00:00+00', null),
      ('k_ba9876543210', repeat('cd', 32), 'batch', 'old', '2026-10-01 00:00+00', null, '2026-11-02 00:00+00');
    insert into job_runs values ('019ab0c4-9f00-7000-8000-00000000000a', 'retention', 'host:1', '2026-11-23 00:00+00',
      '2026-11-23 00:00:01+00', 'ok', '{"partitions_dropped": 2}', null);
    insert into job_leases values ('retention', '019ab0c4-9f00-7000-8000-00000000000a', '-infinity');
    update signalbox_migrations set timestamp = '2026-11-23T12:00:00.000Z'`)
}

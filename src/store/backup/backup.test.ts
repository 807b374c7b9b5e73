import { createWriteStream } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasPgbouncer, startPgbouncer } from '../../../test/support/pgbouncer.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.ts'
import { recordedExchange } from '../../../test/support/recorded-exchange.ts'
import { installedServers, startServerPostgres } from '../../../test/support/server-postgres.ts'
import { until } from '../../../test/support/until.ts'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/logger.ts'
import { openStore, type Store, storeConfigSchema } from '../index.ts'
import { migrations } from '../migrations/index.ts'
import { writeWholeFile } from './backup-file.ts'
import { BackupError, checkBackup, type RestoreOptions, restoreBackup, writeBackup } from './index.ts'
import { ledgerObjects, type Migration, migrationLockTable, migrationTable } from './ledger-objects.ts'
import { migrateWithin } from './prepare-target.ts'

let dir: string
let file: string
let databases: TestDatabase[]
let stores: Store[]
/** Full of rows of every kind; tests only read it. */
let full: TestDatabase

const now = systemClock.now()
const dayMs = 86_400_000
const never = new AbortController().signal

beforeAll(async () => {
  full = await createTestDatabase()
  const store = await connect(full)
  // Text that COPY has to escape, months of the past, and a clock that was far off.
  const odd = { errorMessage: 'a\tb\\n\n"ü\u0001', domain: '\\N', usageFlags: ['x,y', '{"}'] }
  const batch = [0, 1, 40, 4_000].flatMap((days) =>
    Array.from({ length: 50 }, (_, n) => recordedExchange(now - days * dayMs - n, n === 7 ? odd : {})),
  )
  expect(await store.writeExchanges(batch)).toMatchObject({ inserted: 200, rejected: [] })
  await store.keys.create({ id: 'k_0123456789ab', hash: 'f'.repeat(64), domain: 'web', name: 'é', expiresAt: null })
  await store.close()
})

afterAll(() => full.drop())

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'signalbox-backup-'))
  file = path.join(dir, 'one.tar.gz')
  databases = []
  stores = []
})

afterEach(async () => {
  for (const store of stores) await store.close()
  for (const database of databases) await database.drop()
  await rm(dir, { recursive: true, force: true })
})

async function connect(database: TestDatabase): Promise<Store> {
  const config = storeConfigSchema.parse({ databaseUrl: database.url })
  const store = await openStore({ config, dataDir: '/nonexistent', clock: systemClock, logger: silentLogger })
  await store.ready
  return store
}

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  databases.push(database)
  return database
}

async function openedStore(database: TestDatabase): Promise<Store> {
  const store = await connect(database)
  stores.push(store)
  return store
}

async function query(database: TestDatabase, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Every row of every table as text, sorted. */
async function contentOf(database: TestDatabase): Promise<Record<string, string[]>> {
  const content: Record<string, string[]> = {}
  for (const table of ledgerObjects().tables.toSorted()) {
    const rows = await query(database, `select t::text as row from ${table} as t order by 1`)
    content[table] = rows.map(({ row }) => String(row))
  }
  return content
}

const backup = (from: TestDatabase, more: Partial<Parameters<typeof writeBackup>[0]> = {}, to = file) =>
  writeBackup({
    url: from.url,
    signalboxVersion: '1.2.3',
    keyPepper: { fingerprint: 'abc' },
    clock: systemClock,
    signal: never,
    ...more,
    out: more.out ?? createWriteStream(to),
  })

const restore = (to: TestDatabase, more: Partial<RestoreOptions> = {}) =>
  restoreBackup({ url: to.url, file, force: false, signal: never, ...more })

const countOf = async (database: TestDatabase, table = 'api_requests'): Promise<number> =>
  Number((await query(database, `select count(*) as n from ${table}`))[0]?.n)

describe('what is in a backup', () => {
  test('is every table that the migrations made, as a database knows them', async () => {
    const found = await query(
      full,
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and not relispartition order by 1`,
    )
    const { tables, functions, views } = ledgerObjects()
    expect(found.map(({ name }) => name)).toEqual([...tables, migrationTable, migrationLockTable].toSorted())
    const others = await query(
      full,
      `select proname as name from pg_proc p where pronamespace = 'public'::regnamespace and not exists
         (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')
       union all select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')
         and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')`,
    )
    expect(others.map(({ name }) => name).toSorted()).toEqual([...functions, ...views].toSorted())
  })

  test('may be copied in any order: no table refers to another', async () => {
    expect(
      await query(
        full,
        `select conname from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
      ),
    ).toEqual([])
  })

  test('can be looked into with tar', async () => {
    await backup(full)
    const archive = gunzipSync(await readFile(file))
    expect(archive.toString('latin1', 0, 13)).toBe('manifest.json')
    expect(archive.toString('latin1', 257, 262)).toBe('ustar')
    expect(archive.includes('tables/api_requests/000000.copy')).toBe(true)
  })
})

describe('a restore', () => {
  test('makes an empty database equal to the one that was backed up, row by row', async () => {
    const { rows } = await backup(full)
    const target = await emptyDatabase()
    const told: number[] = []
    await restore(target, { onProgress: (done) => told.push(done) })
    expect(await contentOf(target)).toEqual({ ...(await contentOf(full)), job_leases: [] })
    expect(told.at(-1)).toBe(rows)
    // And it is a ledger that goes on.
    const store = await openedStore(target)
    expect(await store.writeExchanges([recordedExchange(now)])).toMatchObject({ inserted: 1 })
    expect(await store.keys.all()).toHaveLength(1)
  })

  test('works into a database that has nothing at all, and makes the partitions of the months it brings', async () => {
    await query(
      full,
      `create table api_requests_2001_02 partition of api_requests
      for values from ('2001-02-01 00:00:00+00') to ('2001-03-01 00:00:00+00') with (fillfactor = 90)`,
    )
    await backup(full)
    const target = await emptyDatabase()
    await query(target, 'drop schema public cascade; create schema public')
    await restore(target)
    expect(await contentOf(target)).toEqual({ ...(await contentOf(full)), job_leases: [] })
    const partitions = `select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound, c.reloptions from pg_class c
      join pg_inherits on inhrelid = c.oid where inhparent = 'api_requests'::regclass order by 1`
    expect(await query(target, partitions)).toEqual(await query(full, partitions))
    // Nobody else's: the database of the test is the one that has it.
    await query(full, 'drop table api_requests_2001_02')
  })

  test('of an older version is migrated forward; one of a newer version is refused', async () => {
    const newer: readonly Migration[] = [
      ...migrations,
      {
        name: '9999-more',
        sql: "ALTER TABLE client_keys ADD COLUMN note text NOT NULL DEFAULT upper('from before');\nCREATE TABLE notes (id int);",
      },
    ]
    await backup(full)
    const target = await emptyDatabase()
    await restore(target, { migrations: newer })
    expect(await query(target, 'select note from client_keys')).toEqual([{ note: 'FROM BEFORE' }])

    const second = path.join(dir, 'two.tar.gz')
    await backup(target, { migrations: newer }, second)
    const old = await emptyDatabase()
    await expect(restore(old, { file: second })).rejects.toMatchObject({
      code: 'too_new',
      message: expect.stringContaining('made by Signalbox 1.2.3 and has the schema step 9999-more'),
    })
    // A database of a newer version is nothing to write to or read from either.
    await expect(restore(target, { force: true })).rejects.toMatchObject({ code: 'too_new' })
    await expect(backup(target, {}, path.join(dir, 'three.tar.gz'))).rejects.toMatchObject({ code: 'too_new' })
    // With the version that made it, the schema goes back and the rows come in.
    await restore(target, { file: second, force: true, migrations: newer })
    expect(await query(target, 'select note from client_keys')).toEqual([{ note: 'FROM BEFORE' }])
    // An older backup into a database that was migrated since.
    await restore(target, { force: true, migrations: newer })
    expect(await countOf(target)).toBe(200)
  })

  test('refuses a ledger that has rows and says which; --force replaces it, and keeps the grants on it', async () => {
    await backup(full)
    const target = await emptyDatabase()
    const store = await connect(target)
    await store.writeExchanges([recordedExchange(now, { domain: 'old' })])
    await store.close()
    await query(target, 'grant select on api_requests to public')
    await expect(restore(target)).rejects.toMatchObject({
      code: 'target_in_use',
      message: expect.stringMatching(/rows in api_requests, .*rollup_day.* --force/),
    })
    await restore(target, { force: true })
    expect(await query(target, `select 1 from api_requests where domain = 'old'`)).toEqual([])
    const [grant] = await query(target, `select relacl::text as acl from pg_class where oid = 'api_requests'::regclass`)
    expect(grant?.acl).toContain('=r/')
  })

  test('refuses a database that a running Signalbox uses; --force does it under the running one', async () => {
    await backup(full)
    const target = await emptyDatabase()
    const store = await openedStore(target)
    await expect(restore(target)).rejects.toMatchObject({
      code: 'target_in_use',
      message: expect.stringMatching(/running Signalbox is connected .*signalbox /),
    })
    const keysChanged: string[] = []
    store.listen('signalbox_keys', (payload) => void keysChanged.push(payload))
    await until('the channel is heard', async () => {
      await query(target, `select pg_notify('signalbox_keys', 'probe')`)
      return keysChanged.length > 0
    })
    await restore(target, { force: true })
    expect(await store.writeExchanges([recordedExchange(now)])).toMatchObject({ inserted: 1 })
    expect(await countOf(target)).toBe(201)
    await until('the instance was told to look at its keys again', () => keysChanged.includes(''))
  })
})

test.each([
  ['the same', migrations.length],
  ['an older', 1],
])(
  'with --force under a recorder at work, from a backup of %s version: it goes on, and the rollups add up',
  async (_name, steps) => {
    const old = await emptyDatabase()
    await query(old, 'drop schema public cascade; create schema public')
    const setup = new pg.Client({ connectionString: old.url })
    await setup.connect()
    await migrateWithin(setup, migrations.slice(0, steps))
    await setup.end()
    await backup(old, { migrations: migrations.slice(0, steps) })

    const target = await emptyDatabase()
    const store = await openedStore(target)
    const restored = { done: false }
    let stop = false
    const afterwards: string[] = []
    let written = 0
    const writing = (async () => {
      while (!stop) {
        const batch = Array.from({ length: 20 }, () => recordedExchange(now + written++))
        const began = restored.done
        // Whatever it meets on the way, the recorder tries the same batch again.
        for (;;) {
          const done = await store.writeExchanges(batch).catch(() => undefined)
          if (done !== undefined) break
        }
        if (began) afterwards.push(...batch.map(({ id }) => id))
      }
    })()
    try {
      await until('the load is on', () => written > 200)
      await restore(target, { force: true })
      restored.done = true
      await until('it goes on', () => afterwards.length > 200)
    } finally {
      stop = true
      await writing
    }
    const found = new Set((await query(target, 'select id::text as id from api_requests')).map(({ id }) => String(id)))
    expect(afterwards.filter((id) => !found.has(id))).toEqual([])
    const [sums] = await query(
      target,
      `select (select count(*) from api_requests)::int as rows,
    (select sum(requests) from rollup_minute)::int as minute, (select sum(requests) from rollup_day)::int as day`,
    )
    expect(sums).toEqual({ rows: found.size, minute: found.size, day: found.size })
    expect(await query(target, 'select count(*)::int as n from signalbox_migrations')).toEqual([
      { n: migrations.length },
    ])
  },
  120_000,
)

test('under full write load it is one moment of the ledger: every batch whole or not at all, rollups equal to rows', async () => {
  const source = await emptyDatabase()
  const store = await openedStore(source)
  const sizes: number[] = []
  let written = 0
  let stop = false
  const writing = (async () => {
    while (!stop) {
      const batch = Array.from({ length: 40 }, () => recordedExchange(now + written))
      written += (await store.writeExchanges(batch)).inserted
    }
  })()
  try {
    await until('the load is on', () => written > 2_000)
    for (const n of [0, 1, 2]) {
      const before = written
      const { summary } = await backup(source, {}, path.join(dir, `${n}.tar.gz`))
      const rows = summary.tables.find(({ name }) => name === 'api_requests')?.rows ?? 0
      expect(rows).toBeGreaterThanOrEqual(before)
      expect(rows % 40).toBe(0)
      sizes.push(rows)
    }
  } finally {
    stop = true
    await writing
  }
  const target = await emptyDatabase()
  await restore(target, { file: path.join(dir, '2.tar.gz') })
  const sums = await query(
    target,
    `select (select count(*) from api_requests)::int as rows,
    (select sum(requests) from rollup_minute)::int as minute, (select sum(requests) from rollup_hour)::int as hour,
    (select sum(requests) from rollup_day)::int as day`,
  )
  const rows = sizes[2]
  expect(sums).toEqual([{ rows, minute: rows, hour: rows, day: rows }])
  // Each row is the one that the source has under that id.
  const [restored, original] = await Promise.all([contentOf(target), contentOf(source)])
  const known = new Set(original.api_requests)
  expect(restored.api_requests?.filter((row) => !known.has(row))).toEqual([])
}, 120_000)

describe('a file that is not what was written', () => {
  let whole: Buffer
  beforeEach(async () => {
    await backup(full)
    whole = await readFile(file)
  })

  const refusal = async (): Promise<unknown> => {
    const target = await emptyDatabase()
    const before = await contentOf(target)
    const error: unknown = await restore(target).catch((thrown: unknown) => thrown)
    expect(await contentOf(target)).toEqual(before)
    expect(await checkBackup({ file, signal: never }).catch((thrown: unknown) => thrown)).toMatchObject({
      code: 'file_unusable',
    })
    return error
  }

  test('cut off anywhere, it is refused as that', async () => {
    for (const share of [0.999, 0.5, 0.01]) {
      await writeFile(file, whole)
      await truncate(file, Math.floor(whole.length * share))
      expect(await refusal()).toMatchObject({
        code: 'file_unusable',
        message: `${file} is cut off: its end is missing. Nothing was changed.`,
      })
    }
  })

  test('with a bit changed on the disk it is refused', async () => {
    const changed = Buffer.from(whole)
    changed[Math.floor(whole.length / 2)] = (changed[Math.floor(whole.length / 2)] ?? 0) ^ 4
    await writeFile(file, changed)
    expect(await refusal()).toMatchObject({ message: expect.stringMatching(/is damaged|is cut off/) })
  })

  test('with a value changed and packed again it is refused by its checksum', async () => {
    const archive = gunzipSync(whole)
    const at = archive.indexOf('claude-sonnet-4-5', archive.indexOf('tables/api_requests'))
    archive.write('claude-sonnet-9-9', at)
    await writeFile(file, gzipSync(archive))
    expect(await refusal()).toMatchObject({
      message: `${file} is damaged: its content is not what its checksum says. Nothing was changed.`,
    })
  })

  test('with an SQL statement where a partition had its bounds, nothing of it is run', async () => {
    const archive = gunzipSync(whole)
    const at = archive.indexOf('"bound": "DEFAULT"')
    archive.write('"bound": "); drop', at)
    await writeFile(file, gzipSync(archive))
    expect(await refusal()).toMatchObject({ message: expect.stringContaining('its description is not readable') })
  })

  test('with something behind its end, or no backup at all, it is refused', async () => {
    await writeFile(file, gzipSync(Buffer.concat([gunzipSync(whole), Buffer.alloc(512, 1)])))
    expect(await refusal()).toMatchObject({ message: expect.stringContaining('something follows its end') })
    await writeFile(file, 'id,cost\n1,2\n')
    expect(await refusal()).toMatchObject({ message: `${file} is no backup of Signalbox.` })
    await writeFile(file, gzipSync('id,cost\n1,2\n'.repeat(100)))
    expect(await refusal()).toMatchObject({ message: expect.stringContaining('is damaged: a header is damaged') })
    await rm(file)
    expect(await refusal()).toMatchObject({ message: `There is no file ${file}.` })
  })
})

describe('stopped in the middle', () => {
  test('a restore leaves the ledger that was there', async () => {
    await backup(full)
    const target = await emptyDatabase()
    const store = await connect(target)
    await store.writeExchanges([recordedExchange(now, { domain: 'old' })])
    await store.close()
    const before = await contentOf(target)

    const stop = new AbortController()
    const aborted = restore(target, { force: true, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect(await contentOf(target)).toEqual(before)

    let killed = false
    const cut = restore(target, {
      force: true,
      onProgress: () => {
        if (killed) return
        killed = true
        void query(
          full,
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'signalbox restore' and datname = $1`,
          [new URL(target.url).pathname.slice(1)],
        )
      },
    })
    // A small ledger may be through before the server acts; then it is whole.
    const end = await cut.then(
      () => 'whole',
      () => 'cut',
    )
    if (end === 'cut') expect(await contentOf(target)).toEqual(before)
    else expect(await countOf(target)).toBe(200)
  })

  test('a backup leaves no file, and the file of that name what it was', async () => {
    await writeFile(file, 'the one before')
    const stop = new AbortController()
    const made = writeWholeFile(file, now, async (out) => {
      await backup(full, { out, signal: stop.signal, onProgress: () => stop.abort() })
    })
    await expect(made).rejects.toMatchObject({ name: 'AbortError' })
    expect(await readdir(dir)).toEqual(['one.tar.gz'])
    expect(await readFile(file, 'utf8')).toBe('the one before')
  })

  test('a disk that is full fails the backup, and the database is let go', async () => {
    const device = await open('/dev/full', 'w').catch(() => undefined)
    if (device === undefined) return
    await expect(backup(full, { out: device.createWriteStream() })).rejects.toMatchObject({ code: 'ENOSPC' })
    await until('the connection is gone', async () => {
      const name = new URL(full.url).pathname.slice(1)
      const found = await query(
        full,
        `select 1 from pg_stat_activity where application_name = 'signalbox backup' and datname = $1`,
        [name],
      )
      return found.length === 0
    })
  })
})

describe.runIf(hasPgbouncer)('behind a pooler that hands out connections by transaction', () => {
  test('both work', async () => {
    const pooler = await startPgbouncer(full.url)
    try {
      const through = (database: TestDatabase): string => {
        const url = new URL(pooler.url)
        url.pathname = new URL(database.url).pathname
        return url.href
      }
      const target = await emptyDatabase()
      await backup(full, { url: through(full) })
      await restore(target, { url: through(target) })
      expect(await contentOf(target)).toEqual({ ...(await contentOf(full)), job_leases: [] })
    } finally {
      await pooler.stop()
    }
  }, 60_000)
})

describe.runIf(installedServers.length > 0)('between servers of different versions', () => {
  test('the oldest that is installed takes what this one has, and gives it back', async () => {
    const [oldest = 0] = installedServers
    const old = await startServerPostgres(oldest)
    try {
      const there: TestDatabase = { url: old.url, drop: async () => undefined }
      await backup(full)
      await restore(there)
      expect(await contentOf(there)).toEqual({ ...(await contentOf(full)), job_leases: [] })
      const { manifest } = await backup(there, {}, path.join(dir, 'old.tar.gz'))
      expect(manifest.postgres_version).toMatch(new RegExp(`^${oldest}\\.`))
      const target = await emptyDatabase()
      await restore(target, { file: path.join(dir, 'old.tar.gz') })
      expect(await contentOf(target)).toEqual(await contentOf(there))
    } finally {
      await old.stop()
    }
  }, 120_000)
})

test('a database without a ledger is said to be one', async () => {
  const target = await emptyDatabase()
  await query(target, 'drop schema public cascade; create schema public')
  const error: unknown = await backup(target).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(BackupError)
  expect(error).toMatchObject({ code: 'no_ledger' })
})

test('a whole file is for its owner only, and replaces the one before', async () => {
  await writeFile(file, 'before')
  const size = await writeWholeFile(file, now, async (out) => void (await backup(full, { out })))
  expect(await stat(file)).toMatchObject({ size })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await checkBackup({ file, signal: never })
})

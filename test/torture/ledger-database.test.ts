/**
 * The ledger under torture: real processes write journals at full load, the real program records them, and the database is
 * taken away in every way there is. Counted at both ends by a counter of its own (ledger/count.ts): no exchange lost, none
 * twice, every rollup equal to the sums of the rows. Longer: `npm run test:torture:long`; a failure again: `TORTURE_SEED`.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { limit, newChance, seconds, times } from './ledger/chance.ts'
import { expectExact } from './ledger/count.ts'
import { type Database, startTortureServer, type TortureServer } from './ledger/database.ts'
import { newRecording, type Recording } from './ledger/recording.ts'
import { cleanUp } from './place.ts'

/** Of each writer. Together they write some ten times what a busy team calls; more only makes the counting longer. */
const perSecond = 400
let server: TortureServer

beforeAll(async () => {
  server = await startTortureServer({ settings: { max_connections: 40 } })
})
afterEach(cleanUp)
afterAll(() => server.stop())

/** Writers at full load and a program that records them, in `count` data directories that share one database. */
async function recordings(database: Database, seeds: () => number, count = 1): Promise<Recording[]> {
  const all: Recording[] = []
  for (let n = 0; n < count; n += 1) {
    const recording = await newRecording(database)
    for (let writer = 0; writer < 2; writer += 1) await recording.write({ seed: seeds(), perSecond })
    await recording.start()
    all.push(recording)
  }
  return all
}

const stopWriters = (all: readonly Recording[]): Promise<unknown> =>
  Promise.all(all.flatMap(({ writers }) => writers.map((writer) => writer.stop())))

const rowsIn = async (database: Database): Promise<number> => {
  const found = await database.query<{ n: string }>('select count(*) as n from api_requests').catch(() => [])
  return Number(found[0]?.n ?? 0)
}

/** So that what happens next happens to a recorder at work. */
const untilRecording = async (database: Database, more = 500): Promise<void> => {
  const before = await rowsIn(database)
  await until(`${more} more rows are recorded`, async () => (await rowsIn(database)) >= before + more)
}

test(
  'killed, crashed, restarted, frozen, locked out and cut off by turns, with recorder and writers killed too',
  async () => {
    const { pick, whole, next, seedOfAnother } = newChance('chaos')
    const database = await server.newDatabase()
    // The worst that an operator can set: acknowledged before it is on disk. A crash of the server would lose it.
    await database.query(`alter database ${database.name} set synchronous_commit = off`)
    const [one, two] = await recordings(database, seedOfAnother, 2)
    if (one === undefined || two === undefined) throw new Error('there are two')
    const done: string[] = []
    const faults: Record<string, () => Promise<void>> = {
      'server killed': async () => server.signal('SIGKILL'),
      'server crashed': async () => server.crash(),
      'server restarted': async () => server.signal('SIGINT'),
      'server stopped at once': async () => server.signal('SIGQUIT'),
      'server frozen': async () => {
        const thaw = server.freeze()
        await wait(whole(200, 2_500))
        thaw()
      },
      'connections ended': async () => {
        await database
          .query(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
            [database.name],
          )
          .catch(() => undefined)
      },
      'tables locked': async () => {
        const client = await database.connect().catch(() => undefined)
        const table = pick(['rollup_minute', 'latency_day', 'api_requests', 'rate_limit_samples'])
        await client?.query(`begin; lock table ${table} in access exclusive mode`).catch(() => undefined)
        await wait(whole(100, 1_000))
        await client?.end().catch(() => undefined)
      },
      'recorder killed': async () => {
        const recording = pick([one, two])
        await recording.kill()
        await wait(whole(0, 300))
        await recording.start()
      },
      'recorder stopped': async () => {
        const recording = pick([one, two])
        await recording.stop()
        await recording.start()
      },
      'writer killed': async () => {
        const recording = pick([one, two])
        const running = recording.writers.at(-1)
        await recording.kill()
        await running?.kill()
        await recording.write({ seed: seedOfAnother(), perSecond })
        await recording.start()
      },
    }
    const names = Object.keys(faults)
    const endsAt = performance.now() + seconds(20) * 1_000
    // Each of them once, in an order of chance; then whatever comes.
    const order = names.map((name) => ({ name, at: next() })).sort((a, b) => a.at - b.at)
    while (performance.now() < endsAt || order.length > 0) {
      const name = order.shift()?.name ?? pick(names as [string, ...string[]])
      await faults[name]?.()
      done.push(name)
      await wait(whole(50, 1_500))
    }
    await server.answers()
    await stopWriters([one, two])
    const counted = await expectExact(database, [one, two], { killedWriters: true })
    console.info(`${done.length} faults, ${counted.rows} rows, ${counted.interrupted} interrupted: ${done.join(', ')}`)
    expect(new Set(done).size).toBe(names.length)
    for (const recording of [one, two]) {
      expect(await recording.metrics()).not.toMatch(/^signalbox_ledger_dropped_total\{.*\} [1-9]/m)
      await recording.stop()
    }
  },
  limit(900_000),
)

test(
  'a server that takes no more connections, or refuses by its rules, gets everything later',
  async () => {
    const { seedOfAnother } = newChance('refused')
    const database = await server.newDatabase()
    const all = await recordings(database, seedOfAnother)
    await untilRecording(database)

    // Others take every connection there is, and then those of Signalbox.
    const held = [await database.connect()]
    const endOthers = `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'signalbox%'`
    await until('no connection is left', async () => {
      await held[0]?.query(endOthers)
      for (;;) {
        const client = await database
          .connect()
          .catch((error: unknown) => (String(error).includes('too many') ? null : undefined))
        if (client === null) {
          const { rows } = (await held[0]?.query<{ n: number }>(
            `select count(*)::int as n from pg_stat_activity where application_name like 'signalbox%'`,
          )) ?? { rows: [] }
          return rows[0]?.n === 0
        }
        if (client === undefined) return false
        held.push(client)
      }
    })
    await wait(3_000)
    await Promise.all(held.map((client) => client.end()))
    await untilRecording(database)

    const back = await server.admit(`host ${database.name} all all reject`)
    await until('connections are refused by the rules', () =>
      database.connect().then(
        (client) => client.end().then(() => false),
        (error: unknown) => String(error).includes('reject'),
      ),
    )
    await wait(2_000)
    await back()
    await untilRecording(database)
    await stopWriters(all)
    await expectExact(database, all)
  },
  limit(300_000),
)

test(
  'deadlocks with the transactions of others, and serialization failures between recorders, cost nothing',
  async () => {
    const { seedOfAnother, whole } = newChance('deadlocks')
    const database = await server.newDatabase()
    const all = await recordings(database, seedOfAnother, 2)
    await untilRecording(database)
    const failures = async (): Promise<{ deadlocks: number; rollbacks: number }> => {
      const [row] = await database.query<{ deadlocks: string; rollbacks: string }>(
        `select deadlocks, xact_rollback as rollbacks from pg_stat_database where datname = current_database()`,
      )
      return { deadlocks: Number(row?.deadlocks), rollbacks: Number(row?.rollbacks) }
    }

    const startedAt = performance.now()
    // Someone who touches the rollups in the opposite order, in long transactions, and changes nothing.
    const before = await failures()
    const stranger = await database.connect()
    await until('it comes to deadlocks', async () => {
      try {
        await stranger.query('begin')
        await stranger.query('update rollup_day set requests = requests')
        await wait(whole(20, 150))
        await stranger.query('update rollup_minute set requests = requests')
        await stranger.query('commit')
      } catch {
        await stranger.query('rollback')
      }
      return (await failures()).deadlocks >= before.deadlocks + times(2)
    })
    await stranger.end()
    console.info(`deadlocks after ${Math.round((performance.now() - startedAt) / 1_000)} s`)

    await database.query(`alter database ${database.name} set default_transaction_isolation = 'serializable'`)
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    const settled = await failures()
    await until(
      'it comes to serialization failures',
      async () => (await failures()).rollbacks >= settled.rollbacks + times(3),
    )
    console.info(`serialization failures after ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    await database.query(`alter database ${database.name} reset default_transaction_isolation`)
    await untilRecording(database)
    await stopWriters(all)
    await expectExact(database, all)
  },
  limit(300_000),
)

test(
  'partitions that are detached or dropped under the recorder are made again or done without',
  async () => {
    const { seedOfAnother } = newChance('partitions')
    const database = await server.newDatabase()
    const all = await recordings(database, seedOfAnother)
    await untilRecording(database)

    const partitions = async (): Promise<string[]> =>
      (
        await database.query<{ name: string }>(
          `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'api_requests'::regclass`,
        )
      ).map(({ name }) => name)
    const used: string[] = []
    for (const name of await partitions()) {
      const [{ n = '0' } = {}] = await database.query<{ n: string }>(`select count(*) as n from ${name}`)
      if (Number(n) > 0) used.push(name)
      else await database.query(`drop table ${name}`)
    }
    expect(used.length).toBeGreaterThan(0)
    expect(await partitions()).not.toContain('api_requests_default')
    for (const name of used) await database.query(`alter table api_requests detach partition ${name}`)
    // Now nothing takes a row of today but what the recorder makes by itself.
    await untilRecording(database)
    expect(await partitions()).toContain('api_requests_default')

    await database.query('alter table api_requests detach partition api_requests_default')
    await untilRecording(database, 200)
    await stopWriters(all)
    const tables = await database.query<{ name: string }>(
      `select relname as name from pg_class where relkind = 'r' and relname like 'api\\_requests\\_%' order by relname`,
    )
    // What someone took away is in the tables they took: the rows of all of them are what was recorded.
    await database.query(
      `create view every_row as ${tables.map(({ name }) => `select * from ${name}`).join(' union all ')}`,
    )
    await expectExact(database, all, { rowsFrom: 'every_row' })
    expect(await all[0]?.metrics()).not.toMatch(/^signalbox_ledger_dropped_total\{.*\} [1-9]/m)
    expect(all[0]?.output()).toContain('partition_lost')
  },
  limit(300_000),
)

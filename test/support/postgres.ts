import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { startEmbedded } from '../../src/store/drivers/embedded/start-embedded.ts'
import { migrate } from '../../src/store/migrate.ts'
import { ensurePartitions } from '../../src/store/partitions.ts'

/** A database of its own for one test file, migrated, on a real PostgreSQL. */
export interface TestDatabase {
  readonly url: string
  /** Drops it, ending whoever is connected. */
  drop(): Promise<void>
}

/** Names the folder of the run's one server; set by global-postgres.ts, absent when a file is run without it. */
export const sharedDirVariable = 'SIGNALBOX_TEST_POSTGRES_DIR'
/** The address of a server to run the tests on, as a user who may make databases; the embedded one where it is not set. */
export const serverVariable = 'SIGNALBOX_TEST_DATABASE_URL'
const template = 'signalbox_template'
const startPatienceMs = 60_000

let server: Promise<{ url: string }> | undefined

/**
 * A fresh, migrated, empty database, in some 50 ms. The first caller of a run starts the server and migrates the template.
 * Call `drop()` in `afterAll`.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(`template ${template}`)
}

/** The same without a schema. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template template0')
}

async function createDatabase(like: string): Promise<TestDatabase> {
  server ??= sharedServer()
  const { url } = await server
  const name = `test_${randomBytes(6).toString('hex')}`
  await run(url, `create database ${name} ${like}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    drop: () => drop(url, name),
  }
}

/**
 * A pool that was ended has said goodbye, but the server may not have heard it yet; who is thrown out meanwhile is told so
 * by an error that nobody listens to any more. So they get a moment, and only then are ended.
 */
async function drop(url: string, name: string): Promise<void> {
  // The server itself waits up to five seconds for others to leave.
  await run(url, `drop database if exists ${name}`).catch(() =>
    run(url, `drop database if exists ${name} with (force)`),
  )
}

/** A folder that the embedded server's unprivileged user can reach; removed by the caller. */
export async function temporaryDataDir(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), 'signalbox-test-'))
}

async function sharedServer(): Promise<{ url: string }> {
  const shared = process.env[sharedDirVariable]
  if (shared !== undefined) return startedOnce(shared)
  const given = process.env[serverVariable]
  if (given !== undefined) return makeTemplate(given)
  const dir = await temporaryDataDir()
  const embedded = await startTemplate(dir)
  process.once('exit', () => process.kill(embedded.pid(), 'SIGQUIT'))
  return { url: embedded.url }
}

/** Test workers are processes: the one that makes the folder starts the server, the others wait for its address. */
async function startedOnce(shared: string): Promise<{ url: string }> {
  const ready = path.join(shared, 'url')
  const first = await mkdir(path.join(shared, 'starting')).then(
    () => true,
    () => false,
  )
  if (first) {
    const given = process.env[serverVariable]
    const { url } = given === undefined ? await startTemplate(path.join(shared, 'data')) : await makeTemplate(given)
    await writeFile(ready, url, { mode: 0o600 })
    return { url }
  }
  const deadline = systemClock.monotonic() + startPatienceMs
  while (systemClock.monotonic() < deadline) {
    if (await stat(ready).catch(() => undefined)) {
      const url = await readFile(ready, 'utf8')
      if (url !== '') return { url }
    }
    await wait(50)
  }
  throw new Error('The test run’s PostgreSQL did not start.')
}

async function startTemplate(dataDir: string): Promise<{ url: string; pid(): number }> {
  // What is tested here is not durability (that has servers of its own), so the shared server may be fast.
  const settings = { fsync: false, synchronous_commit: false, full_page_writes: false, shared_buffers: '64MB' }
  const embedded = await startEmbedded({ dataDir, clock: systemClock, logger: silentLogger, settings })
  await makeTemplate(embedded.url)
  return embedded
}

async function makeTemplate(server: string): Promise<{ url: string }> {
  await run(server, `drop database if exists ${template}`)
  await run(server, `create database ${template} template template0`)
  const url = new URL(server)
  url.pathname = `/${template}`
  const pool = new pg.Pool({ connectionString: url.href, max: 2 })
  try {
    await migrate(pool)
    await ensurePartitions(pool, systemClock.now())
  } finally {
    await pool.end()
  }
  return { url: server }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Removes what `startedOnce` left in a folder, once its server was stopped. */
export async function removeSharedServer(shared: string): Promise<void> {
  const pidFile = path.join(shared, 'data', 'postgres', 'data', 'postmaster.pid')
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0])
  if (pid > 1) {
    process.kill(pid, 'SIGINT')
    const deadline = systemClock.monotonic() + 10_000
    while (systemClock.monotonic() < deadline && (await stat(pidFile).catch(() => undefined))) await wait(20)
  }
  await rm(shared, { recursive: true, force: true })
}

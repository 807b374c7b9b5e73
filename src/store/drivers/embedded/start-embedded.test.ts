import { execFile, spawn } from 'node:child_process'
import { chmod, cp, lstat, mkdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryDataDir } from '../../../../test/support/postgres.ts'
import { until } from '../../../../test/support/until.ts'
import { systemClock } from '../../../core/clock.ts'
import { type Logger, silentLogger } from '../../../core/logger.ts'
import { isAlive } from '../../process-identity.ts'
import { locateBinaries } from './binaries.ts'
import { prepareClusterDir } from './cluster-dir.ts'
import { connectionUrl, type EmbeddedConnection, readConnectionFile, writeConnectionFile } from './connection-file.ts'
import type { Cluster } from './init-cluster.ts'
import { type Postmaster, spawnPostmaster } from './postmaster.ts'
import { runProgram, spawnOptions } from './programs.ts'
import { findRuntimeUser, firstUntraversable, parsePasswd } from './runtime-user.ts'
import { type EmbeddedPostgres, startEmbedded } from './start-embedded.ts'

const isRoot = process.getuid?.() === 0
/** A data directory that was started once, made at the first need: copying it is quicker than making another. */
let stopped: Promise<string> | undefined
let dataDir: string
let events: string[]
const cleanups: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  dataDir = await temporaryDataDir()
  events = []
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await rm(dataDir, { recursive: true, force: true })
})

afterAll(async () => {
  const seed = await stopped
  if (seed !== undefined) await rm(seed, { recursive: true, force: true })
})

/** Goes on from a server that was started before and stopped in order; returns how it was reached. */
async function startedBefore(): Promise<EmbeddedConnection> {
  stopped ??= (async () => {
    const seed = await temporaryDataDir()
    const server = await startEmbedded({ dataDir: seed, clock: systemClock, logger: silentLogger })
    await ask(server.url, 'create table kept as select 42 as answer')
    await server.stop()
    return seed
  })()
  await promisify(execFile)('cp', ['-a', `${await stopped}/.`, dataDir])
  const connection = await readConnectionFile(dataDir)
  if (connection === null) throw new Error('no connection file')
  return connection
}

/** A server on the data directory that nobody looks after, as `kill -9` of the gateway leaves it. */
async function leftBehind(connection: EmbeddedConnection): Promise<Postmaster> {
  const left = await spawnPostmaster(await cluster(), connection.port)
  await until('the server answers', () =>
    ask(connectionUrl(connection), 'select 1').then(
      () => true,
      () => false,
    ),
  )
  return left
}

async function start(): Promise<EmbeddedPostgres> {
  const note = (event: string): void => void events.push(event)
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  const server = await startEmbedded({ dataDir, clock: systemClock, logger })
  cleanups.push(() => server.stop())
  return server
}

async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

async function cluster(): Promise<Cluster> {
  const user = await findRuntimeUser()
  return { dir: await prepareClusterDir(dataDir, user), user, binaries: await locateBinaries(user) }
}

test('the first start makes a durable server that only this machine reaches, and psql finds the way', async () => {
  const server = await start()
  const settings = ['fsync', 'synchronous_commit', 'data_checksums', 'listen_addresses', 'password_encryption']
  const [row] = await ask(
    server.url,
    `select ${settings.map((name) => `current_setting('${name}') as ${name}`).join(', ')}`,
  )
  expect(row).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    data_checksums: 'on',
    listen_addresses: '127.0.0.1',
    password_encryption: 'scram-sha-256',
  })
  expect(await ask(server.url, 'select count(*) > 0 as loaded from pg_stat_statements')).toEqual([{ loaded: true }])
  expect((await stat(path.join(dataDir, 'connection.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(path.join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700)
  expect(await readConnectionFile(dataDir)).toEqual(server.connection)

  const wrong = new URL(server.url)
  wrong.password = 'guess'
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  if (isRoot) expect((await stat(`/proc/${server.pid()}`)).uid).not.toBe(0)

  await server.stop()
  expect(await isAlive(server.pid())).toBe(false)
})

test('a later start keeps data, port and password', async () => {
  const before = await startedBefore()
  const server = await start()
  expect(server.adopted).toBe(false)
  expect(server.connection).toEqual(before)
  expect(await ask(server.url, 'select * from kept')).toEqual([{ answer: 42 }])
})

test('a server that was left behind is adopted, comes back when it is killed, and is stopped at the end', async () => {
  const left = await leftBehind(await startedBefore())
  const server = await start()
  expect(server.adopted).toBe(true)
  expect(server.pid()).toBe(left.pid)
  expect(events).not.toContain('postgres_left_behind')

  process.kill(left.pid, 'SIGKILL')
  await until('a new server runs', () => server.pid() !== left.pid)
  expect(await ask(server.url, 'select * from kept')).toEqual([{ answer: 42 }])
  await server.stop()
  expect(await isAlive(server.pid())).toBe(false)
})

test('an adopted server ends with the stop', async () => {
  const left = await leftBehind(await startedBefore())
  await (await start()).stop()
  expect(await isAlive(left.pid)).toBe(false)
})

test('a server that was left behind with other settings is replaced', async () => {
  const before = await startedBefore()
  const conf = path.join(dataDir, 'postgres', 'data', 'signalbox.conf')
  await writeFile(conf, `${await readFile(conf, 'utf8')}work_mem = '5MB'\n`)
  const left = await leftBehind(before)
  const server = await start()
  expect(server.adopted).toBe(false)
  expect(server.pid()).not.toBe(left.pid)
  expect(events).toContain('postgres_left_behind')
  expect(await ask(server.url, 'show work_mem')).toEqual([{ work_mem: '16MB' }])
})

test('a server that is killed comes back by itself, again and again, with what it had acknowledged', async () => {
  await startedBefore()
  const server = await start()
  await ask(server.url, 'insert into kept values (43)')
  for (let turn = 0; turn < 2; turn++) {
    const killed = server.pid()
    process.kill(killed, 'SIGKILL')
    await until('a new server runs', () => server.pid() !== killed)
    expect(await ask(server.url, 'select * from kept')).toEqual([{ answer: 42 }, { answer: 43 }])
  }
  await until('both restarts are told', () => events.filter((event) => event === 'postgres_restarted').length === 2)
  await server.stop()
  expect(await isAlive(server.pid())).toBe(false)
})

test('a lost connection file costs the password and not the data', async () => {
  const before = await startedBefore()
  await unlink(path.join(dataDir, 'connection.json'))
  const server = await start()
  expect(server.connection.password).not.toBe(before.password)
  expect(events).toContain('postgres_password_reset')
  expect(await ask(server.url, 'select * from kept')).toEqual([{ answer: 42 }])
})

test('a port that someone else took meanwhile is given up', async () => {
  const before = await startedBefore()
  const taker = createServer()
  await new Promise<void>((resolve) => taker.listen(before.port, '127.0.0.1', resolve))
  cleanups.push(() => new Promise((resolve) => taker.close(resolve)))
  const server = await start()
  expect(server.connection.port).not.toBe(before.port)
  expect((await readConnectionFile(dataDir))?.port).toBe(server.connection.port)
})

test('a pid file that names some other program does not stop the start', async () => {
  const before = await startedBefore()
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
  cleanups.push(async () => sleeper.kill('SIGKILL'))
  await new Promise((resolve) => sleeper.once('spawn', resolve))
  const data = path.join(dataDir, 'postgres', 'data')
  await writeFile(path.join(data, 'postmaster.pid'), `${sleeper.pid}\n${data}\n1\n${before.port}\n\n127.0.0.1\n`)
  await start()
  expect(sleeper.exitCode).toBeNull()
})

test('a database of another major version is refused with what to do', async () => {
  await writeConnectionFile(dataDir, { host: '127.0.0.1', port: 20_001, user: 'u', password: 'p', database: 'd' })
  await mkdir(path.join(dataDir, 'postgres', 'data'), { recursive: true })
  await writeFile(path.join(dataDir, 'postgres', 'data', 'PG_VERSION'), '15\n')
  await expect(start()).rejects.toMatchObject({ code: 'server_failed', message: expect.stringContaining('backup') })
})

test('a system without binaries is told to set DATABASE_URL', async () => {
  await expect(locateBinaries(null, { system: 'plan9-mips' })).rejects.toMatchObject({
    code: 'unsupported_platform',
    message: expect.stringContaining('Set DATABASE_URL'),
  })
})

test('a data directory that can not be made is named', async () => {
  await writeFile(path.join(dataDir, 'file'), '')
  await expect(prepareClusterDir(path.join(dataDir, 'file', 'data'), null)).rejects.toMatchObject({
    code: 'data_dir_unusable',
    message: expect.stringContaining(path.join(dataDir, 'file', 'data')),
  })
})

test('users are read from passwd', () => {
  expect(parsePasswd('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n\nbroken')).toEqual([
    { name: 'root', uid: 0, gid: 0 },
    { name: 'nobody', uid: 65534, gid: 65533 },
  ])
})

test.runIf(isRoot)('binaries below a private directory are run from a copy, with their links made', async () => {
  const user = await findRuntimeUser()
  const installed = path.dirname(path.dirname(path.dirname((await locateBinaries(user)).postgres)))
  const hidden = path.join(dataDir, 'private', 'package')
  // As an install without scripts leaves it: no links. The programs need only these folders to tell their version.
  await cp(installed, hidden, { recursive: true, filter: async (file) => !(await isLink(file)) })
  const blocked = await locateBinaries(user, { packageDir: hidden, places: [path.join(dataDir, 'no', 'x')] }).catch(
    (error: unknown) => error,
  )
  expect(blocked).toMatchObject({ code: 'server_failed' })

  const place = await temporaryDataDir()
  cleanups.push(() => rm(place, { recursive: true, force: true }))
  await chmod(place, 0o755)
  const copied = await locateBinaries(user, { packageDir: hidden, places: [place] })
  expect(copied.postgres.startsWith(place)).toBe(true)
  expect(await runProgram(copied.postgres, ['--version'], spawnOptions(user, place))).toMatchObject({ code: 0 })
  // A second look takes the copy that is there.
  const madeAt = (await stat(path.dirname(copied.postgres))).ctimeMs
  await locateBinaries(user, { packageDir: hidden, places: [place] })
  expect((await stat(path.dirname(copied.postgres))).ctimeMs).toBe(madeAt)
})

test.runIf(isRoot)('a data directory below a private one gets its cluster elsewhere, and finds it again', async () => {
  const user = await findRuntimeUser()
  if (user === null) throw new Error('root without a runtime user')
  const home = path.join(dataDir, 'home')
  await mkdir(path.join(home, 'data'), { recursive: true, mode: 0o755 })
  await chmod(home, 0o700)
  const outside = await temporaryDataDir()
  cleanups.push(() => rm(outside, { recursive: true, force: true }))
  // temporaryDataDir gives 0700: the refusal first, then the same place made passable.
  await expect(prepareClusterDir(path.join(home, 'data'), user, { outside })).rejects.toMatchObject({
    code: 'data_dir_unusable',
    message: expect.stringContaining('DATA_DIR'),
  })
  await chmod(outside, 0o711)
  const chosen = await prepareClusterDir(path.join(home, 'data'), user, { outside })
  expect(chosen.startsWith(outside)).toBe(true)
  expect(await firstUntraversable(chosen, user)).toBeNull()
  expect(await prepareClusterDir(path.join(home, 'data'), user, { outside })).toBe(chosen)
})

async function isLink(file: string): Promise<boolean> {
  return (await lstat(file)).isSymbolicLink()
}

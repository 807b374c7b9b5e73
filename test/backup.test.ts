// The commands `backup` and `restore` with what they really do: both kinds of database, in both directions.
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashClientKey } from '../src/app/keyring.ts'
import { runCli } from '../src/cli/cli.ts'
import type { Programs } from '../src/cli/programs.ts'
import type { Terminal } from '../src/cli/terminal.ts'
import { systemClock } from '../src/core/clock.ts'
import { silentLogger } from '../src/core/logger.ts'
import { lockDataDir, openStore, storeConfigSchema } from '../src/store/index.ts'
import { createTestDatabase, type TestDatabase } from './support/postgres.ts'
import { recordedExchange } from './support/recorded-exchange.ts'

let root: string
let server: TestDatabase

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'signalbox-backup-commands-'))
  server = await createTestDatabase()
})

afterAll(async () => {
  await server.drop()
  await rm(root, { recursive: true, force: true })
})

const unused = (): never => {
  throw new Error('this program should not run')
}

async function signalbox(dataDir: string, args: readonly string[], databaseUrl?: string) {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    outIsTty: false,
    showStacks: true,
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      // Variables of whoever runs the tests are warned of, rightly, but are not our subject.
      if (!text.startsWith('warning: The environment variable')) said.err += text
    },
  }
  const { backup, openRestore } = await import('../src/app/backup.ts')
  const { openClientKeys } = await import('../src/app/maintenance.ts')
  const programs: Partial<Programs> = { backup, openRestore, openKeys: openClientKeys, serve: unused }
  const set = databaseUrl === undefined ? [] : ['--set', `store.databaseUrl=${databaseUrl}`]
  const all = [...args, '--data-dir', path.join(root, dataDir), ...set]
  // The programs that are left out are not reached by the commands of this file.
  const code = await runCli(all, { programs: programs as Programs, terminal, version: '1.2.3' })
  return { code, ...said }
}

const file = (name: string): string => path.join(root, name)
const pepperIn = async (dataDir: string): Promise<string> =>
  (await readFile(path.join(root, dataDir, 'key-pepper'), 'utf8')).trim()

/** The ledger of an embedded database, opened as an instance does. */
async function embedded<T>(
  dataDir: string,
  use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>,
): Promise<T> {
  const dir = path.join(root, dataDir)
  const lock = await lockDataDir(dir)
  const config = storeConfigSchema.parse({})
  const store = await openStore({ config, dataDir: dir, clock: systemClock, logger: silentLogger })
  try {
    await store.ready
    return await use(store)
  } finally {
    await store.close()
    await lock.release()
  }
}

test('from the embedded database to a server and back: rows and client keys are all there, and the keys work', async () => {
  const made = await signalbox('a', ['keys', 'create', '--domain', 'web'])
  expect(made.code, made.err).toBe(0)
  const key = made.out.trim()
  await embedded('a', (store) => store.writeExchanges([recordedExchange(systemClock.now()), recordedExchange(0)]))

  // While an instance holds the data directory.
  const whileRunning = await embedded('a', () => signalbox('a', ['backup', file('one.tar.gz')]))
  expect(whileRunning).toMatchObject({ code: 0, err: '' })
  expect(whileRunning.out).toMatch(/^Backup of [\d,]+ rows in .*one\.tar\.gz \([\d.]+ kB\)\.\n$/)
  expect((await stat(file('one.tar.gz'))).mode & 0o777).toBe(0o600)

  const toServer = await signalbox('b', ['restore', file('one.tar.gz')], server.url)
  expect(toServer.code, toServer.err).toBe(0)
  expect(toServer.err).toContain('The key pepper is restored too')
  expect(existsSync(path.join(root, 'b', 'postgres'))).toBe(false)

  // A directory gets a file named after the time.
  expect((await signalbox('b', ['backup', `${root}${path.sep}`], server.url)).code).toBe(0)
  const named = (await readdir(root)).find((name) => /^signalbox-\d{8}T\d{6}Z\.tar\.gz$/.test(name)) ?? ''
  const back = await signalbox('c', ['restore', file(named)])
  expect(back.code, back.err).toBe(0)
  const [restored] = await embedded('c', async (store) => {
    expect(await store.writeExchanges([recordedExchange(0)])).toMatchObject({ inserted: 1 })
    return store.keys.all()
  })
  expect(restored?.hash).toBe(hashClientKey(await pepperIn('c'), key))

  // Again: refused, changed only where asked for.
  const again = await signalbox('c', ['restore', file(named)])
  expect(again.code).toBe(1)
  expect(again.err).toContain('The database has a ledger already: there are rows in api_requests, client_keys')
  expect((await signalbox('c', ['restore', file(named), '--force'])).code).toBe(0)
}, 180_000)

test('a data directory in use is not restored into without --force, and the message says who uses it', async () => {
  const refused = await embedded('d', async () => {
    expect((await signalbox('d', ['backup', file('d.tar.gz')])).code).toBe(0)
    return signalbox('d', ['restore', file('d.tar.gz')])
  })
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/Another Signalbox \(process \d+\) uses the data directory .* Or add --force/)
  const forced = await embedded('d', () => signalbox('d', ['restore', file('d.tar.gz'), '--force']))
  expect(forced.code, forced.err).toBe(0)
}, 120_000)

test('a pepper that is not the backup’s is told, never silently replaced', async () => {
  await signalbox('e', ['keys', 'create', '--domain', 'web'])
  expect((await signalbox('e', ['backup', file('e.tar.gz'), '--without-pepper'])).err).toContain(
    'without the key pepper',
  )
  const missing = await signalbox('f', ['restore', file('e.tar.gz')])
  expect(missing.code).toBe(0)
  expect(missing.err).toContain('warning: the backup is without the key pepper')

  expect((await signalbox('e', ['backup', file('e.tar.gz')])).code).toBe(0)
  const configured = ['--set', `keyPepper=${'x'.repeat(40)}`]
  const differs = await signalbox('f', ['restore', file('e.tar.gz'), '--force', ...configured])
  expect(differs.err).toContain('warning: KEY_PEPPER is not the one')
  // Made by its own first key; beside the new one afterwards.
  await signalbox('f', ['keys', 'create', '--domain', 'other'])
  const before = await pepperIn('f')
  expect((await signalbox('f', ['restore', file('e.tar.gz'), '--force'])).err).toContain(
    'The key pepper is restored too',
  )
  expect(await pepperIn('f')).toBe(await pepperIn('e'))
  expect((await readFile(path.join(root, 'f', 'key-pepper.before-restore'), 'utf8')).trim()).toBe(before)
}, 180_000)

test('what can not work is refused before anything is made', async () => {
  const nowhere = await signalbox('nowhere', ['backup', file('nothing.tar.gz')])
  expect(nowhere).toMatchObject({ code: 1 })
  expect(nowhere.err).toContain(`There is no ledger in ${path.join(root, 'nowhere')}`)
  expect(existsSync(path.join(root, 'nowhere'))).toBe(false)
  expect(existsSync(file('nothing.tar.gz'))).toBe(false)
  const noDirectory = await signalbox('a', ['backup', path.join(root, 'no', 'such', 'x.tar.gz')])
  expect(noDirectory.err).toContain(`There is no directory ${path.join(root, 'no', 'such')} to put the backup in.`)
  expect((await signalbox('nowhere', ['restore', '-'])).code).toBe(2)
  const noFile = await signalbox('nowhere', ['restore', file('nothing.tar.gz')])
  expect(noFile.err).toContain(`There is no file ${file('nothing.tar.gz')}.`)
  expect(existsSync(path.join(root, 'nowhere'))).toBe(false)
})

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { until } from '../../test/support/until.ts'
import { loadConfig } from '../config/load-config.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import { checkBackup } from '../store/backup/index.ts'
import { openStore, type Store } from '../store/index.ts'
import { type ScheduledBackups, startScheduledBackups } from './scheduled-backups.ts'

let root: string
let dir: string
let database: TestDatabase
let stores: Store[]
let running: ScheduledBackups[]
let lines: { event: string; fields: LogFields | undefined }[]

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'signalbox-scheduled-'))
  dir = path.join(root, 'backups')
  database = await createTestDatabase()
  stores = []
  running = []
  lines = []
})

afterEach(async () => {
  for (const one of running) await one.stop()
  for (const store of stores) await store.close()
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

function configOf(backup: Partial<Config['backup']>): Config {
  const { config } = loadConfig({ cwd: root, env: {}, flags: [] })
  return { ...config, backup: { ...config.backup, ...backup } }
}

const note = (event: string, _message: string, fields?: LogFields): void => void lines.push({ event, fields })
const logger: Logger = { debug: note, info: note, warn: note, error: note }

/** An instance of its own: store and schedule. */
async function start(backup: Partial<Config['backup']> = {}, target = dir): Promise<ScheduledBackups> {
  const config = configOf(backup)
  const store = await openStore({
    config: { ...config.store, databaseUrl: database.url },
    dataDir: root,
    clock: systemClock,
    logger,
  })
  stores.push(store)
  await store.ready
  await store.writeExchanges([recordedExchange(systemClock.now())])
  const backups = startScheduledBackups({ config, dir: target, store, clock: systemClock, logger, lookEveryMs: 20 })
  running.push(backups)
  return backups
}

test('makes one when it is due and no other until the next; the history and the metric know of it', async () => {
  const backups = await start({ everyHours: 1 })
  await until('a backup is made', () => backups.state().lastSuccessAt !== null)
  const [name = '', ...others] = await readdir(dir)
  expect(others).toEqual([])
  const { summary } = await checkBackup({ file: path.join(dir, name), signal: new AbortController().signal })
  expect(summary.tables).toContainEqual(expect.objectContaining({ name: 'api_requests', rows: 1 }))

  // A second instance, and the same one after a restart, see that it is done.
  const second = await start({ everyHours: 1 }, path.join(root, 'elsewhere'))
  await until('the second one knows', () => second.state().lastSuccessAt !== null)
  expect(second.state()).toMatchObject({ okTotal: 0, failedTotal: 0, lastSuccessAt: backups.state().lastSuccessAt })
  expect(await readdir(root)).not.toContain('elsewhere')
  const history = await stores[0]?.jobs.history({ name: 'backup' })
  expect(history).toHaveLength(1)
  expect(history?.[0]).toMatchObject({ outcome: 'ok', counts: { files_dropped: 0, bytes: expect.any(Number) } })
})

test('keeps the newest and deletes what is older, of our naming alone', async () => {
  await rm(dir, { recursive: true, force: true })
  const first = await start({ everyHours: 1 })
  await until('a backup is made', () => first.state().okTotal === 1)
  await first.stop()
  const old = [1, 2, 3].map((day) => `signalbox-2020010${day}T000000Z.tar.gz`)
  for (const name of [...old, 'mine.tar.gz']) await writeFile(path.join(dir, name), '')
  const next = await start({ everyHours: 1e-9, keep: 1 })
  await until('another is made', () => next.state().okTotal >= 1)
  await next.stop()
  const left = await readdir(dir)
  expect(left.toSorted()).toEqual(['mine.tar.gz', expect.stringMatching(/^signalbox-20(?!20)/)])
})

test('a directory that can not be had is a failure that is logged, counted and in the history, and the ledger goes on', async () => {
  const inTheWay = path.join(root, 'file')
  await writeFile(inTheWay, 'something else')
  const backups = await start({}, inTheWay)
  await until('the failure is counted', () => backups.state().failedTotal > 0)
  expect(backups.state()).toMatchObject({ okTotal: 0, lastSuccessAt: null })
  expect(lines.find(({ event }) => event === 'backup_failed')?.fields?.error).toContain(inTheWay)
  await until('the run has ended', async () => {
    const [run] = (await stores[0]?.jobs.history({ name: 'backup' })) ?? []
    return run?.outcome === 'failed'
  })
  // It is not tried again at once: the next try has its time.
  expect(backups.state().failedTotal).toBe(1)
  expect(await readFile(inTheWay, 'utf8')).toBe('something else')
  expect(await stores[0]?.writeExchanges([recordedExchange(systemClock.now())])).toMatchObject({ inserted: 1 })
})

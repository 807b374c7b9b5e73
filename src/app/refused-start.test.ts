import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.ts'
import { configSchema } from '../config/schema.ts'
import { createSignalbox } from './signalbox.ts'

let database: TestDatabase
let client: pg.Client
const dataDir = mkdtempSync(path.join(os.tmpdir(), 'signalbox-refused-'))

beforeAll(async () => {
  database = await createTestDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

const silent = () => new Writable({ write: (_chunk, _encoding, done) => done() })
const start = () =>
  createSignalbox({
    config: configSchema.parse({
      dataDir,
      http: { proxyPort: 0, dashboardPort: 0 },
      store: { databaseUrl: database.url },
      providers: { default: 'simulated' },
    }),
    stdout: silent(),
  })

test('on the database of a newer version the start ends with the reason, and everything is free for the next one', async () => {
  await client.query(`insert into signalbox_migrations values ('9999-newer', '2030-01-01')`)
  await expect(start()).rejects.toMatchObject({ code: 'schema_newer', message: expect.stringContaining('9999-newer') })
  await expect(start()).rejects.toMatchObject({ code: 'schema_newer' })
  await client.query(`delete from signalbox_migrations where name = '9999-newer'`)
  const signalbox = await start()
  await signalbox.stop({ graceMs: 0 })
})

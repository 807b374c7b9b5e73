import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEmptyDatabase, temporaryDataDir } from '../../test/support/postgres.ts'
import { configSchema } from '../config/schema.ts'
import { wholeSchema } from '../store/index.ts'
import { migrateDatabase, planDatabaseMigration } from './maintenance.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await temporaryDataDir()
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

test('what a migration would do is shown without a database, on an empty one, and not after it was done', async () => {
  const place = path.join(dataDir, 'not-made')
  expect(await planDatabaseMigration(configSchema.parse({ dataDir: place }))).toEqual(wholeSchema)
  expect(existsSync(place)).toBe(false)

  const database = await createEmptyDatabase()
  const client = new pg.Client({ connectionString: database.url })
  try {
    await client.connect()
    const config = configSchema.parse({ dataDir, store: { databaseUrl: database.url } })
    expect(await planDatabaseMigration(config)).toEqual(wholeSchema)
    const { rows } = await client.query(`select relname from pg_class where relnamespace = 'public'::regnamespace`)
    expect(rows).toEqual([])
    expect(await migrateDatabase(config)).toEqual(wholeSchema.map(({ name }) => name))
    expect(await planDatabaseMigration(config)).toEqual([])
    // The command ends at once, and with the reason, where waiting does not help.
    await client.query(`insert into signalbox_migrations values ('9999-newer', '2030-01-01')`)
    await expect(migrateDatabase(config)).rejects.toMatchObject({ code: 'schema_newer' })
    await expect(planDatabaseMigration(config)).rejects.toMatchObject({ code: 'schema_newer' })
  } finally {
    await client.end()
    await database.drop()
  }
})

test('the plan of an embedded database starts it for the moment and leaves it as it was', async () => {
  const config = configSchema.parse({ dataDir })
  expect(await migrateDatabase(config)).toEqual(wholeSchema.map(({ name }) => name))
  expect(await planDatabaseMigration(config)).toEqual([])
})

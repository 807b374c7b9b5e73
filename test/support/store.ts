import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createPriceBook } from '../../src/recorder/price-book.ts'
import { openStore, type Store, storeConfigSchema } from '../../src/store/index.ts'
import { createTestDatabase } from './postgres.ts'

/** The whole store on a database of its own, closed and dropped when the test is over. */
export async function openTestStore(): Promise<Store> {
  const database = await createTestDatabase()
  const store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl: database.url, readTimeoutMs: 60_000 }),
    dataDir: '/nonexistent',
    clock: systemClock,
    logger: silentLogger,
  })
  onTestFinished(async () => {
    await store.close()
    await database.drop()
  })
  await store.ready
  return store
}

export const testPriceBook = (clock: Clock = systemClock) => createPriceBook({ clock, logger: silentLogger })

// @ts-check
/** The built product, loaded from the folder that is measured. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** @param {string} dist the folder of the build */
export async function loadProduct(dist) {
  const from = (/** @type {string} */ file) => import(pathToFileURL(path.join(dist, file)).href)
  // What a build exports is what its sources do, so the casts name those.
  const ids = /** @type {typeof import('../../../src/core/ids.ts')} */ (await from('core/ids.js'))
  const clock = /** @type {typeof import('../../../src/core/clock.ts')} */ (await from('core/clock.js'))
  const logger = /** @type {typeof import('../../../src/core/logger.ts')} */ (await from('core/logger.js'))
  const store = /** @type {typeof import('../../../src/store/index.ts')} */ (await from('store/index.js'))
  const queries = /** @type {typeof import('../../../src/store/queries/index.ts')} */ (
    await from('store/queries/index.js')
  )
  const partitions = /** @type {typeof import('../../../src/store/partitions.ts')} */ (
    await from('store/partitions.js')
  )
  const statement = /** @type {typeof import('../../../src/store/writers/write-statement.ts')} */ (
    await from('store/writers/write-statement.js')
  )
  const server = /** @type {typeof import('../../../src/store/drivers/server.ts')} */ (
    await from('store/drivers/server.js')
  )
  const embedded = /** @type {typeof import('../../../src/store/drivers/embedded/start-embedded.ts')} */ (
    await from('store/drivers/embedded/start-embedded.js')
  )
  const journal = /** @type {typeof import('../../../src/journal/index.ts')} */ (await from('journal/index.js'))
  const recorder = /** @type {typeof import('../../../src/recorder/index.ts')} */ (await from('recorder/index.js'))
  const steps = /** @type {typeof import('../../../src/api/resources/timeline.ts')} */ (
    await from('api/resources/timeline.js')
  )
  return {
    uuidv7: ids.uuidv7,
    clock: clock.systemClock,
    logger: logger.silentLogger,
    openStore: store.openStore,
    storeConfigSchema: store.storeConfigSchema,
    createQueries: queries.createQueries,
    ensurePartitionsOver: partitions.ensurePartitionsOver,
    rollupStatement: statement.rollupStatement,
    connectionConfig: server.connectionConfig,
    startEmbedded: embedded.startEmbedded,
    openJournal: journal.openJournal,
    createRecorder: recorder.createRecorder,
    createPriceBook: recorder.createPriceBook,
    recorderConfigSchema: recorder.recorderConfigSchema,
    chooseStep: steps.chooseStep,
  }
}

/** @typedef {Awaited<ReturnType<typeof loadProduct>>} Product */

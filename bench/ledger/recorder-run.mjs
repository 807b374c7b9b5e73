// @ts-check
/**
 * One process with nothing in it but the recorder (or the writer alone), so that CPU time and memory are theirs. Started
 * by run.mjs, which reads the one JSON line that this prints at its end.
 */
import { rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { residentBytes } from '../lib/proc.mjs'
import { loadProduct } from './lib/product.mjs'
import { trafficSource } from './lib/traffic.mjs'

const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
    dir: { type: 'string', default: '' },
    mode: { type: 'string', default: 'recorder' },
    rows: { type: 'string', default: '100000' },
    until: { type: 'string', default: '0' },
  },
})
const rows = Number(values.rows)
const product = await loadProduct(values.dist)
const { clock, logger } = product
/** Calls a second of the traffic that is recorded, by its own clock: what a minute holds decides how many groups there are. */
const perSecond = 10_000

const store = await product.openStore({
  config: product.storeConfigSchema.parse({ databaseUrl: values.url }),
  dataDir: values.dir,
  clock,
  logger,
})
await store.ready
const config = product.recorderConfigSchema.parse({})
const exchangeAt = trafficSource({ seed: 7, uuid: product.uuidv7 })
const firstAt = Number(values.until) - (rows / perSecond) * 1000
/** @param {number} index */
const timeOf = (index) => Math.floor(firstAt + (index * 1000) / perSecond)

/** @type {{ at: number, bytes: number, rows: number }[]} */
const memory = []
/** @param {() => number} written */
function watchMemory(written) {
  const look = () => memory.push({ at: performance.now(), bytes: residentBytes([process.pid]), rows: written() })
  look()
  const timer = setInterval(look, 250)
  return () => {
    clearInterval(timer)
    look()
  }
}

/** @returns {Promise<{ inserted: number, work: () => Promise<void>, written: () => number }>} */
async function writerAlone() {
  /** @type {import('../../src/core/exchange.ts').RecordedExchange[][]} */
  const batches = []
  for (let start = 0; start < rows; start += config.batchRows) {
    const size = Math.min(config.batchRows, rows - start)
    batches.push(
      Array.from({ length: size }, (_, index) => ({
        ...exchangeAt(timeOf(start + index)),
        costUsd: 0.012345678,
        priceSource: /** @type {const} */ ('genai-prices'),
      })),
    )
  }
  const state = { inserted: 0 }
  return {
    get inserted() {
      return state.inserted
    },
    written: () => state.inserted,
    async work() {
      for (const batch of batches) state.inserted += (await store.writeExchanges(batch)).inserted
    },
  }
}

/** Journals written before the clock starts, as a worker leaves them; then everything that the recorder does with them. */
async function wholeRecorder() {
  const root = path.join(values.dir, 'journal')
  const journal = product.openJournal({ root, name: 'bench', clock, logger, syncIntervalMs: 1_000 })
  for (let index = 0; index < rows; index++) {
    const closed = exchangeAt(timeOf(index))
    journal.append(JSON.stringify(openedOf(closed)), 'soon')
    while (!journal.append(JSON.stringify(closed), index % 64 === 63 ? 'now' : 'soon'))
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await journal.close()
  const recorder = product.createRecorder({
    journalRoot: root,
    isAlive: () => false,
    writeExchanges: store.writeExchanges,
    priceBook: product.createPriceBook({ clock, logger }),
    observers: [],
    clock,
    logger,
    config,
  })
  return {
    get inserted() {
      return recorder.state().writtenTotal
    },
    written: () => recorder.state().writtenTotal,
    async work() {
      await recorder.start()
      await recorder.drained()
      await recorder.stop({ drainMs: 1_000 })
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** @param {import('../../src/core/exchange.ts').ExchangeClosed} closed */
function openedOf(closed) {
  const {
    id,
    openedAt,
    method,
    path: at,
    endpoint,
    domain,
    keyId,
    account,
    provider,
    requestedModel,
    streaming,
  } = closed
  const { sessionId, agentId, parentAgentId, requestBytes } = closed
  const first = { kind: 'opened', id, openedAt, method, path: at, endpoint, domain, keyId, account, provider }
  return { ...first, requestedModel, streaming, sessionId, agentId, parentAgentId, requestBytes }
}

const subject = values.mode === 'writer' ? await writerAlone() : await wholeRecorder()
globalThis.gc?.()
process.send?.({ ready: true })
await new Promise((resolve) => process.once('message', resolve))
const cpu = process.cpuUsage()
const began = performance.now()
const stopWatching = watchMemory(subject.written)
await subject.work()
const seconds = (performance.now() - began) / 1000
const used = process.cpuUsage(cpu)
stopWatching()
// The connections stay until the figures are taken: a server forgets the time of those that are gone.
process.send?.({
  done: { rows, inserted: subject.inserted, seconds, cpuSeconds: (used.user + used.system) / 1e6, memory },
})
await new Promise((resolve) => process.once('message', resolve))
await store.close()
process.disconnect?.()

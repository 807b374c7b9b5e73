// @ts-check
/**
 * `npm run bench:ledger`: millions of exchanges in a real database, then how fast more of them are recorded, how fast every
 * question of the API is answered, cold and warm, and what they take on disk. See README.md beside this file.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { machine, machineCpuSeconds } from '../lib/proc.mjs'
import { checkSums, insertRate } from './lib/insert-rate.mjs'
import { loadProduct } from './lib/product.mjs'
import { casesOf, checkPlans, coverage, measureQueries } from './lib/queries.mjs'
import { seed } from './lib/seed.mjs'
import { dropFileCache, findServerBinaries, startEmbeddedServer, startServer } from './lib/servers.mjs'
import { sizes } from './lib/sizes.mjs'
import { markdown, renderLedger } from './report.mjs'

const bench = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const help = `npm run bench:ledger -- [options]
  --quick            small and short, a smoke test: fails on anything wrong, never on speed
  --rows N           exchanges that are there already (default 10000000; quick: 100000)
  --stores LIST      server,embedded: where to measure (default: both; a server needs Debian's postgresql package)
  --embedded-rows N  as --rows, for the embedded store alone (default: as --rows)
  --insert N         exchanges recorded by each run (default 300000; quick: 20000)
  --warm N           warm calls of each question (default 20; quick: 3)
  --cold N           cold calls of each question, a restart each (default 2; quick: 0)
  --dist DIR         measure another build than dist/
  --work DIR         where databases and journals are kept meanwhile (default: the system's folder for temporary files)
  --slug NAME        name of the result files (default: ledger)
  --no-save          print only`

const { values: asked } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    stores: { type: 'string' },
    'embedded-rows': { type: 'string' },
    insert: { type: 'string' },
    warm: { type: 'string' },
    cold: { type: 'string' },
    dist: { type: 'string', default: path.join(bench, '..', 'dist') },
    work: { type: 'string', default: os.tmpdir() },
    slug: { type: 'string', default: 'ledger' },
    'no-save': { type: 'boolean', default: false },
  },
})
if (asked.help) {
  console.log(help)
  process.exit(0)
}
const { quick } = asked
const rows = Number(asked.rows ?? (quick ? 100_000 : 10_000_000))
const insertRows = Number(asked.insert ?? (quick ? 20_000 : 300_000))
const warmSamples = Number(asked.warm ?? (quick ? 3 : 20))
const coldSamples = Number(asked.cold ?? (quick ? 0 : 2))
const days = 90
/** What an exchange may take on disk at most, rollups, logs and headroom included. */
const roomPerRow = 2_500

const began = Date.now()
/** @param {string} what */
const say = (what) => console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${what}`)
/** What must not be: it fails the run. @type {string[]} */
const faults = []
/** @type {string[]} */
const notes = []
/** Last in, first out. @type {Array<() => Promise<void>>} */
const cleanups = []

let isStopped = false
/** Whoever asks waits for all of it: the main way out and a signal may both come here. @type {Promise<void>} */
let closing = Promise.resolve()
function closeAll() {
  closing = closing.then(async () => {
    for (const close of cleanups.splice(0).reverse()) await close().catch((error) => console.error(error))
  })
  return closing
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => {
    isStopped = true
    void closeAll().then(() => process.exit(130))
  })

const product = await loadProduct(path.resolve(asked.dist))
const kinds = /** @type {readonly ('server' | 'embedded')[]} */ (
  asked.stores === undefined ? storesHere() : asked.stores.split(',')
)

/** @returns {('server' | 'embedded')[]} */
function storesHere() {
  if (findServerBinaries() !== null) return ['server', 'embedded']
  notes.push('no PostgreSQL server is installed here, so only the embedded one was measured')
  return ['embedded']
}

/** @param {'server' | 'embedded'} kind */
async function measureStore(kind) {
  const storeRows = kind === 'embedded' ? Number(asked['embedded-rows'] ?? rows) : rows
  const dir = mkdtempSync(path.join(asked.work, 'signalbox-bench-ledger-'))
  cleanups.push(async () => rmSync(dir, { recursive: true, force: true }))
  const { bavail, bsize } = statfsSync(dir)
  if (bavail * bsize < storeRows * roomPerRow)
    throw new Error(
      `${dir} has too little room for ${storeRows} exchanges: ask for fewer (--rows) or name another --work`,
    )
  say(`${kind}: start`)
  const server = await (kind === 'server' ? startServer(dir) : startEmbeddedServer(dir, product))
  cleanups.push(server.close)
  const now = Date.now()
  let store = await openStore(server, dir)
  cleanups.push(() => store.close())
  const pool = new pg.Pool({ ...product.connectionConfig(server.url, 'bench'), max: 2, idleTimeoutMillis: 1_000 })
  // The server is restarted under it; the next statement connects again.
  pool.on('error', () => undefined)
  // A statement under way (the seed's take long) ends with the server, which is stopped next.
  cleanups.push(async () => void pool.end().catch(() => undefined))

  say(`${kind}: seed ${storeRows.toLocaleString('en-US')} exchanges over ${days} days`)
  const seeded = await seed(pool, product, { rows: storeRows, days, now, say })
  say(`${kind}: seeded in ${Math.round(seeded.seconds.all)} s`)
  const onDisk = await sizes(pool)

  const cases = casesOf(product, await samplesOf(pool))
  faults.push(...coverage(store.queries, cases))
  say(`${kind}: plans`)
  faults.push(...(await checkPlans(pool, product, cases, now)).map((fault) => `${kind}: ${fault}`))
  let filesDropped = true
  const queries = await measureQueries(cases, {
    now,
    warmSamples,
    coldSamples,
    queries: () => store.queries,
    say: (what) => say(`${kind}: ${what}`),
    async chill() {
      await store.close()
      await server.restart()
      filesDropped = dropFileCache() && filesDropped
      store = await openStore(server, dir)
    },
  })
  for (const row of queries)
    if (row.failure !== undefined)
      faults.push(`${kind}: ${row.query} (${row.variant}, ${row.range}) failed ${row.failed} times: ${row.failure}`)
  if (coldSamples > 0 && !filesDropped)
    notes.push('the cache of files could not be emptied, so "cold" is a restarted server only')
  await store.close()

  const inserts = []
  for (const mode of /** @type {const} */ (['writer', 'recorder'])) {
    say(`${kind}: ${mode}, ${insertRows.toLocaleString('en-US')} exchanges`)
    // Each a stretch of time of its own, in the present, where live traffic falls.
    const until = Date.now() - (inserts.length === 0 ? 3_600_000 : 0)
    const run = await insertRate(server, { mode, rows: insertRows, dist: path.resolve(asked.dist), dir, until, pool })
    if (run.inserted !== insertRows) faults.push(`${kind}: ${mode} stored ${run.inserted} of ${insertRows} exchanges`)
    inserts.push(run)
  }
  say(`${kind}: rollups against rows`)
  const counted = await checkSums(pool)
  const expected = storeRows + inserts.reduce((sum, run) => sum + run.rows, 0)
  if (counted !== expected) faults.push(`${kind}: ${counted} rows instead of ${expected}`)
  await closeAll()
  return { kind, version: server.version, rows: storeRows, seeded, sizes: onDisk, queries, inserts, filesDropped }
}

/** @param {import('./lib/servers.mjs').Server} server @param {string} dir */
async function openStore(server, dir) {
  const { clock, logger } = product
  const config = product.storeConfigSchema.parse({ databaseUrl: server.url })
  const store = await product.openStore({ config, dataDir: dir, clock, logger })
  await store.ready
  return store
}

/** Ids and sessions that are there, all over the range. @param {import('pg').Pool} pool */
async function samplesOf(pool) {
  const found = await pool.query(
    `SELECT one.id, one.session_id FROM generate_series(1, 40) AS day, LATERAL (
       SELECT id, session_id FROM api_requests WHERE created_at > now() - day * interval '12 hours' ORDER BY created_at LIMIT 1) AS one`,
  )
  return { ids: found.rows.map((row) => row.id), sessions: found.rows.map((row) => row.session_id) }
}

const head = {
  date: new Date().toISOString(),
  slug: asked.slug,
  machine: machine(),
  settings: { quick, rows, insertRows, days, warmSamples, coldSamples },
}
try {
  const machineBefore = machineCpuSeconds()
  const stores = []
  for (const kind of kinds) stores.push(await measureStore(kind))
  const tookSeconds = Math.round((Date.now() - began) / 1000)
  const busyCores = Math.round(((machineCpuSeconds() - machineBefore) / tookSeconds) * 100) / 100
  const result = { ...head, tookSeconds, busyCores, stores, faults, notes }
  if (!asked['no-save'] && !quick) {
    const folder = path.join(bench, 'results')
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, `${asked.slug}.json`), `${JSON.stringify(result, null, 1)}\n`)
    renderLedger(folder)
  }
  console.log(`\n${markdown(result)}`)
} catch (error) {
  // What was under way when it was stopped fails, as it must.
  if (!isStopped) console.error(error)
  process.exitCode = 1
} finally {
  await closeAll()
}
if (faults.length > 0) {
  console.error(`\nNot sound:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)
  process.exitCode = 1
}
process.exit()

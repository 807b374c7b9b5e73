// @ts-check
/**
 * What single parts of the hot path cost, alone in one process: `node bench/micro.mjs [--ms 400]`. Needs a build (dist/).
 * Figures are the median of rounds; the result of each call is used, so that the compiler cannot leave it out.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { streamEvents } from './lib/answers.mjs'
import { requestBody } from './lib/bodies.mjs'
import { median } from './lib/stats.mjs'

const bench = dirname(fileURLToPath(import.meta.url))
const dist = join(dirname(bench), 'dist')
const { values } = parseArgs({ options: { ms: { type: 'string', default: '400' } } })
const roundMs = Number(values.ms)
if (!existsSync(join(dist, 'main.js'))) throw new Error('dist/main.js is missing: run `npm run build` first')

/** @param {string} path @returns {Promise<any>} */
const built = (path) => import(pathToFileURL(join(dist, path)).href)
const { scanBody } = await built('wire/scan-body.js')
const { SseTap } = await built('wire/sse-tap.js')
const { openJournal } = await built('journal/index.js')
const { systemClock } = await built('core/clock.js')
const { silentLogger } = await built('core/logger.js')

let sink = 0

/**
 * @param {string} name @param {number} divide things done by one call, e.g. events @param {() => number} act
 * @param {() => Promise<void>} [between] rounds
 */
async function time(name, divide, act, between = async () => undefined) {
  /** @type {number[]} */
  const rounds = []
  for (let round = 0; round < 7; round += 1) {
    let calls = 0
    const began = performance.now()
    let now = began
    while (now - began < roundMs / (round === 0 ? 1 : 2)) {
      for (let index = 0; index < 20; index += 1) sink += act()
      calls += 20
      now = performance.now()
    }
    if (round > 0) rounds.push(((now - began) * 1000) / calls / divide) // the first one warms up
    await between()
  }
  console.log(
    `${median(rounds).toFixed(3).padStart(10)} µs  ${name}  (${Math.min(...rounds).toFixed(3)}–${Math.max(...rounds).toFixed(3)})`,
  )
}

console.log(`Node ${process.version}\n`)

for (const kind of /** @type {const} */ (['1k', '200k', '1m'])) {
  const body = requestBody(kind, true)
  if (scanBody(body).fields?.stream !== true) throw new Error(`scanBody missed "stream" in the ${kind} body`)
  await time(`scanBody, ${kind}, as clients write it`, 1, () => scanBody(body).fields.model.length)
  // `stream` in the middle: the shortcut at the tail does not find it, the whole body has to be walked.
  const { stream, ...rest } = JSON.parse(body.toString())
  const { model, messages, ...others } = rest
  const moved = Buffer.from(JSON.stringify({ messages, stream, model, ...others }))
  if (scanBody(moved).fields?.stream !== true) throw new Error(`scanBody missed "stream" inside the ${kind} body`)
  await time(`scanBody, ${kind}, keys in another order`, 1, () => scanBody(moved).fields.model.length)
  await time(`JSON.parse, ${kind}, for comparison`, 1, () => JSON.parse(body.toString()).model.length)
}

const events = streamEvents(105, false)
const chunks = events.map((event) => Buffer.from(event))
const whole = Buffer.concat(chunks)
let told = 0
const tapAll = (/** @type {Buffer[]} */ pieces) => {
  const tap = new SseTap((/** @type {string} */ name) => {
    told += name.length
  })
  for (const piece of pieces) tap.push(piece)
  return told
}
tapAll(chunks)
if (told === 0) throw new Error('the tap saw no event')
await time('SSE tap, an event, each in its chunk', 105, () => tapAll(chunks))
await time('SSE tap, an event, all in one chunk', 105, () => tapAll([whole]))
const halves = chunks.flatMap((chunk) => [chunk.subarray(0, 40), chunk.subarray(40)])
await time('SSE tap, an event, each cut in two', 105, () => tapAll(halves))

const work = join(bench, '.work')
const root = mkdtempSync(join(existsSync(work) ? work : os.tmpdir(), 'journal-'))
try {
  for (const when of /** @type {const} */ (['soon', 'now'])) {
    const journal = openJournal({ root, name: `micro-${when}`, clock: systemClock, logger: silentLogger })
    const record = JSON.stringify({ kind: 'closed', text: 'r'.repeat(1400) })
    let refused = 0
    const append = () => {
      const taken = journal.append(record, when)
      if (!taken) refused += 1
      return taken ? 1 : 0
    }
    // The loop comes round between rounds, as it does between requests, and the disk is waited for.
    await time(`journal append, 1.4 KB, '${when}'`, 1, append, () => new Promise((resolve) => setTimeout(resolve, 300)))
    await journal.close()
    if (refused > 0)
      console.log(`${' '.repeat(14)}refused ${refused} appends: the figure above is not that of an append`)
  }
  if (!statSync(root).isDirectory()) throw new Error('the journal left no files')
} finally {
  rmSync(root, { recursive: true, force: true })
}
if (Number.isNaN(sink)) throw new Error('a call gave no number')

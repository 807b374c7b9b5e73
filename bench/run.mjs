// @ts-check
/**
 * `npm run bench`: the gateway with everything on against a bare pass-through on the same stack, in one run on one
 * machine. Read the ratios: absolute figures tell about the machine. See README.md beside this file.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { help, readOptions } from './lib/options.mjs'
import { machine, pin } from './lib/proc.mjs'
import { Rig } from './lib/rig.mjs'
import { latency, memoryOverTime, oneCore, pacedStreams, saturation, twoWorkers } from './lib/scenarios.mjs'
import { median, rounded } from './lib/stats.mjs'
import { direct, startBare, startGateway, startPortkey, startRouter } from './lib/targets.mjs'
import { verdicts } from './lib/verdicts.mjs'
import { markdown, renderFolder } from './render.mjs'

const bench = dirname(fileURLToPath(import.meta.url))
const asked = readOptions(process.argv.slice(2))
if (asked === null) {
  console.log(help)
  process.exit(0)
}
const options = asked
const { layout, quick } = options
const began = Date.now()
/** What was started, last in, first out. @type {Array<() => Promise<void>>} */
const cleanups = []
/** What must not be: lost frames, wrong bodies. They fail the run. @type {string[]} */
const faults = []
/** What a reader of the figures should know. @type {string[]} */
const notes = []

/** @template {{ close(): Promise<void> }} T @param {T} thing @returns {T} */
function keep(thing) {
  cleanups.push(() => thing.close())
  return thing
}

/** @param {string} scenario */
const wanted = (scenario) => options.only === null || options.only.includes(scenario)

/** @param {string} what */
const say = (what) => console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${what}`)

/** The measuring process itself stays off the measured core. */
if (layout.upstream !== null) pin([process.pid], layout.upstream)

/** Filled scenario by scenario, so that a run that is stopped still has something to say. @type {Record<string, any>} */
const measured = { saturation: [], direct: [], latency: [], paced: [] }

const head = {
  date: new Date().toISOString(),
  slug: options.slug,
  machine: machine(),
  settings: { quick, rounds: options.rounds, seconds: options.seconds, layout, loadPriority: Rig.priority(layout) },
}

/** What there is so far, judged unless the run was too short to judge. */
function soFar() {
  const tookSeconds = Math.round((Date.now() - began) / 1000)
  const result = { ...head, tookSeconds, ...measured, faults, notes, verdicts: /** @type {any[]} */ ([]) }
  return { ...result, verdicts: quick ? [] : verdicts(result) }
}

async function measureAll() {
  const rig = keep(await Rig.start(layout))
  const nothing = direct(rig.upstreamPort)
  const bare = keep(await startBare(rig.upstreamPort, { core: layout.worker }))
  const tuned = keep(await startBare(rig.upstreamPort, { core: layout.worker, tuned: true }))
  const gateway = options.gateway ? keep(await startGateway(rig.upstreamPort, { layout, main: options.main })) : null
  const both = gateway === null ? [bare] : [bare, gateway]
  const context = { rig, options, faults, notes }
  const result = measured

  if (wanted('throughput')) {
    for (const load of ['1k', '200k', '1m']) {
      say(`saturation, ${load} bodies`)
      result.direct.push(await saturation({ ...context, options: { ...options, rounds: 1 } }, load, [nothing]))
      result.saturation.push(await saturation(context, load, [bare, tuned, ...both.slice(1)]))
    }
  }
  if (wanted('streams')) {
    say('saturation, whole streams')
    result.direct.push(await saturation({ ...context, options: { ...options, rounds: 1 } }, 'stream', [nothing]))
    result.saturation.push(await saturation(context, 'stream', [bare, tuned, ...both.slice(1)]))
  }
  if (wanted('latency')) {
    say('added latency at a moderate rate')
    result.latency.push(await latency(context, '1k', quick ? 200 : 500, [nothing, ...both]))
    result.latency.push(await latency(context, '200k', quick ? 50 : 100, [nothing, ...both]))
  }
  if (wanted('paced')) {
    for (const streams of quick ? [50, 200] : [200, 1000]) {
      say(`${streams} paced streams`)
      result.paced.push(await pacedStreams(context, streams, [nothing, ...both]))
    }
  }
  if (gateway !== null) {
    if (wanted('one-core') && layout.pinned) {
      say('the whole product on one core')
      result.oneCore = await oneCore(context, bare, gateway)
    }
    if (wanted('memory')) {
      say('memory over many requests')
      result.memory = await memoryOverTime(context, gateway)
    }
    if (wanted('workers')) {
      say('two workers against one')
      const two = await startGateway(rig.upstreamPort, { layout, main: options.main, workers: 2 })
      try {
        result.workers = await twoWorkers(context, gateway, two)
      } finally {
        await two.close()
      }
    }
  }
  if (options.peers && wanted('peers')) result.peers = await measurePeers(context, nothing, gateway ?? bare)
  result.othersCores = {
    median: rounded(median(rig.othersShares), 2),
    most: rounded(Math.max(0, ...rig.othersShares), 2),
  }
  if (result.othersCores.median > 0.1 || result.othersCores.most > 0.5) {
    notes.push(
      `the machine was not quiet: other processes used ${result.othersCores.median} cores (median), ${result.othersCores.most} at most; trust no p99 of this run`,
    )
  }
  return result
}

/** @param {import('./lib/scenarios.mjs').Context} context @param {import('./lib/targets.mjs').Target} nothing @param {import('./lib/targets.mjs').Target} ours */
async function measurePeers(context, nothing, ours) {
  say('peers')
  const { rig } = context
  const peers = [
    ours,
    keep(await startPortkey(rig.upstreamPort, { core: layout.worker })),
    keep(await startRouter(rig.upstreamPort, { core: layout.worker })),
  ]
  /** A peer that breaks answers is a finding, not a failure of this run. @type {string[]} */
  const findings = []
  const slower = { ...context, faults: findings, options: { ...context.options, rounds: Math.min(options.rounds, 3) } }
  const saturated = []
  for (const load of ['1k', '200k', 'stream']) saturated.push(await saturation(slower, load, peers))
  const latencies = [await latency(slower, '1k', 50, [nothing, ...peers])]
  const paced = [await pacedStreams(slower, quick ? 20 : 200, [nothing, ...peers])]
  return { saturation: saturated, latency: latencies, paced, findings }
}

async function closeAll() {
  for (const close of cleanups.splice(0).reverse()) await close().catch((error) => console.error(error))
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    console.log(`\nStopped by ${signal}; measured until then, and not saved:\n\n${markdown(soFar())}`)
    void closeAll().then(() => process.exit(130))
  })
}

try {
  await measureAll()
  const result = soFar()
  if (options.save) {
    const folder = join(bench, 'results')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, `${head.date.slice(0, 10)}-${options.slug}.json`)
    writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)
    say(`written to ${file}`)
    renderFolder(folder)
  }
  console.log(`\n${markdown(result)}`)
} catch (error) {
  console.error(error)
  console.log(`\nFailed; measured until then, and not saved:\n\n${markdown(soFar())}`)
  process.exitCode = 1
} finally {
  await closeAll()
}
if (faults.length > 0) {
  console.error(`\nNot sound:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)
  process.exitCode = 1
}
process.exit()

// @ts-check
/** The scenarios. Each gives rows of plain figures; judging them is `verdicts.mjs`, showing them is `render.mjs`. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pin } from './proc.mjs'
import { startModule, stop } from './processes.mjs'
import { median, rounded, slope } from './stats.mjs'

const bench = dirname(dirname(fileURLToPath(import.meta.url)))

/** @typedef {import('./targets.mjs').Target} Target */
/** @typedef {import('./rig.mjs').Measurement} Measurement */
/** @typedef {{ rig: import('./rig.mjs').Rig, options: import('./options.mjs').Options, faults: string[], notes: string[] }} Context */

/** @type {Record<string, { requests: import('../load.mjs').Job['requests'], connections: number }>} */
export const saturating = {
  '1k': { requests: [{ body: '1k', answer: 'json' }], connections: 64 },
  '200k': { requests: [{ body: '200k', answer: 'json' }], connections: 32 },
  '1m': { requests: [{ body: '1m', answer: 'json' }], connections: 16 },
  stream: { requests: [{ body: '1k', answer: 'burst' }], connections: 64 },
}

/** @param {string} load @returns {import('../upstream.mjs').Setting} */
export const upstreamFor = (load) => ({ answer: load === 'stream' ? 'burst' : 'json' })

/** What must never happen, whatever the speed. @param {Context} context @param {string} where @param {Measurement} measured */
function checkSound(context, where, { load }) {
  const bad = {
    'wrong bodies': load.wrongBodies,
    'answers other than 200': load.notOk,
    'broken connections': load.broken,
    'unfinished requests': load.unfinished,
    'lost frames': load.framesLost,
  }
  const found = Object.entries(bad).filter(([, count]) => count > 0)
  if (load.requests === 0) found.push(['answers', 0])
  if (found.length === 0) return
  const list = found.map(([what, count]) => `${count} ${what}`).join(', ')
  context.faults.push(
    `${where}: ${list}${load.firstComplaint === null ? '' : ` (first: ${load.firstComplaint.slice(0, 200)})`}`,
  )
}

/** Lets the recorder finish, so that its work is not counted to whoever comes next. @param {Context} context @param {Target} target */
const settle = async ({ options }, target) => (options.quick ? 0 : await target.settle())

/** The order of a round: turned around every second time, so that a drift of the machine favours nobody. @template T @param {T[]} list @param {number} round */
const inTurn = (list, round) => (round % 2 === 0 ? list : [...list].reverse())

/** @param {Measurement[]} all @param {(one: Measurement) => number | undefined} pick */
const typical = (all, pick) => rounded(median(all.map((one) => pick(one) ?? Number.NaN)))

/** @param {Measurement[]} all @param {'cpuUsPerRequest' | 'coreShare'} what */
const typicalByPart = (all, what) =>
  Object.fromEntries(Object.keys(all[0]?.[what] ?? {}).map((part) => [part, typical(all, (one) => one[what][part])]))

/** Median over the rounds of the ratio of neighbours: noise that lasts longer than a round cancels. @param {number[]} ours @param {number[]} theirs */
function pairedRatio(ours, theirs) {
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  return { median: rounded(median(ratios)), low: rounded(Math.min(...ratios)), high: rounded(Math.max(...ratios)) }
}

/**
 * Requests a second at saturation, and the CPU time of a request.
 * @param {Context} context @param {string} load a key of `saturating` @param {Target[]} targets the baseline first
 */
export async function saturation(context, load, targets) {
  const { rig, options } = context
  await rig.answer(upstreamFor(load))
  /** @type {Map<string, Measurement[]>} */
  const seen = new Map(targets.map((target) => [target.name, []]))
  let settledSeconds = 0
  for (let round = 0; round < options.rounds; round += 1) {
    for (const target of inTurn(targets, round)) {
      const { requests, connections } = /** @type {(typeof saturating)[string]} */ (saturating[load])
      const { seconds, warmupSeconds } = options
      const measured = await rig.measure(target, { requests, connections, seconds, warmupSeconds, drainSeconds: 30 })
      checkSound(context, `${load} at saturation, ${target.name}`, measured)
      seen.get(target.name)?.push(measured)
      settledSeconds = Math.max(settledSeconds, await settle(context, target))
    }
  }
  for (const [name, all] of seen) {
    const share = typical(all, (one) => one.coreShare.worker)
    if (!options.layout.pinned || share === null || share >= 0.9) continue
    context.notes.push(
      `${load}, ${name}: its core was only ${Math.round(share * 100)} % busy, so it could do more than the table says`,
    )
  }
  const perSecond = (/** @type {string} */ name) => (seen.get(name) ?? []).map((one) => one.load.perSecond)
  const baseline = String(targets[0]?.name)
  return {
    load,
    settledSeconds: rounded(settledSeconds, 2),
    rows: targets.map(({ name }) => {
      const all = seen.get(name) ?? []
      return {
        target: name,
        perSecond: typical(all, (one) => one.load.perSecond),
        ratio: pairedRatio(perSecond(name), perSecond(baseline)),
        ratioToTuned: seen.has('bare-tuned') ? pairedRatio(perSecond(name), perSecond('bare-tuned')) : null,
        cpuUsPerRequest: typicalByPart(all, 'cpuUsPerRequest'),
        coreShare: typicalByPart(all, 'coreShare'),
        latencyUs: {
          p50: typical(all, (one) => one.load.latencyUs?.p50),
          p99: typical(all, (one) => one.load.latencyUs?.p99),
        },
      }
    }),
  }
}

/**
 * Added latency in an open loop at a fixed, moderate rate. Differences are taken within a round.
 * @param {Context} context @param {'1k' | '200k'} load @param {number} rate @param {Target[]} targets direct first
 */
export async function latency(context, load, rate, targets) {
  const { rig, options } = context
  for (const target of targets) await warmUp(context, target, load)
  await rig.answer({ answer: 'json' })
  /** @type {Map<string, Measurement[]>} */
  const seen = new Map(targets.map((target) => [target.name, []]))
  const seconds = options.quick ? 1 : Math.max(8, options.seconds)
  for (let round = 0; round < options.rounds; round += 1) {
    for (const target of inTurn(targets, round)) {
      /** @type {import('../load.mjs').Job['requests']} */
      const requests = [{ body: load, answer: 'json' }]
      const measured = await rig.measure(target, {
        requests,
        connections: 64,
        rate,
        seconds,
        warmupSeconds: options.warmupSeconds,
      })
      checkSound(context, `latency of ${load} at ${rate}/s, ${target.name}`, measured)
      seen.get(target.name)?.push(measured)
      await settle(context, target)
    }
  }
  const quantiles = (/** @type {string} */ name, /** @type {'p50' | 'p99'} */ q) =>
    (seen.get(name) ?? []).map((one) => one.load.latencyUs?.[q] ?? Number.NaN)
  const over = (
    /** @type {string} */ name,
    /** @type {string | undefined} */ other,
    /** @type {'p50' | 'p99'} */ q,
  ) => {
    if (other === undefined) return null
    const theirs = quantiles(other, q)
    return rounded(median(quantiles(name, q).map((value, round) => value - (theirs[round] ?? Number.NaN))))
  }
  const bare = targets.find((target) => target.name === 'bare')?.name
  return {
    load,
    rate,
    rows: targets.map(({ name }) => ({
      target: name,
      p50Us: rounded(median(quantiles(name, 'p50'))),
      p99Us: rounded(median(quantiles(name, 'p99'))),
      addedOverDirectUs: { p50: over(name, 'direct', 'p50'), p99: over(name, 'direct', 'p99') },
      addedOverBareUs: { p50: over(name, bare, 'p50'), p99: over(name, bare, 'p99') },
      generatorLateUs: typical(seen.get(name) ?? [], (one) => one.load.lateUs?.p50),
    })),
  }
}

/**
 * Many streams at once, one event each 100 ms: what a gateway does all day. Every frame of each is compared.
 * @param {Context} context @param {number} streams @param {Target[]} targets direct first
 */
export async function pacedStreams(context, streams, targets) {
  const { rig, options } = context
  const events = options.quick ? 20 : 105
  const paceMs = options.quick ? 25 : 100
  const rows = []
  for (const target of targets) {
    await warmUp(context, target, 'stream')
    await rig.answer({ answer: 'paced', paceMs, events })
    const measured = await rig.measure(target, {
      requests: [{ body: '1k', answer: 'paced' }],
      connections: streams,
      requestLimit: streams * 2,
      rampMs: options.quick ? 300 : 2000,
      events,
      drainSeconds: 60,
    })
    checkSound(context, `${streams} paced streams, ${target.name}`, measured)
    await settle(context, target)
    const { load, memory, coreShare } = measured
    rows.push({
      target: target.name,
      streams: load.requests,
      framesExpected: load.framesExpected,
      framesLost: load.framesLost,
      firstByteUs: load.firstByteUs,
      eventDelayUs: load.eventDelayUs,
      coreShare: Object.fromEntries(Object.entries(coreShare).map(([part, share]) => [part, rounded(share, 3)])),
      memoryMiB: Object.fromEntries(
        Object.entries(memory).map(([part, { beforeMiB, peakMiB }]) => [part, { beforeMiB, peakMiB }]),
      ),
    })
  }
  const base = rows[0]
  return {
    concurrent: streams,
    paceMs,
    rows: rows.map((row) => ({
      ...row,
      addedFirstByteUs: {
        p50: (row.firstByteUs?.p50 ?? Number.NaN) - (base?.firstByteUs?.p50 ?? Number.NaN),
        p99: (row.firstByteUs?.p99 ?? Number.NaN) - (base?.firstByteUs?.p99 ?? Number.NaN),
      },
    })),
  }
}

/**
 * A cold process compiles its code while the first callers wait; that is not what is measured.
 * @param {Context} context @param {Target} target @param {string} load
 */
async function warmUp(context, target, load) {
  const { rig, options } = context
  await rig.answer(upstreamFor(load))
  const { requests, connections } = /** @type {(typeof saturating)[string]} */ (saturating[load])
  // By count: on a busy machine a second may hold too few requests to warm anything.
  const requestLimit = (options.quick ? 1500 : 6000) * (load === '200k' ? 0.25 : 1)
  await rig.measure(target, { requests, connections, requestLimit, drainSeconds: 60 })
  await settle(context, target)
}

/**
 * One worker against two. Where cores are few, both settings share one core with a process that only burns CPU: the
 * scheduler gives one worker a half of the core and each of two workers a half, so a second worker doubles the CPU there
 * is, as a second core would. What is left out is what two real cores share (caches, memory bandwidth).
 * @param {Context} context @param {Target} one @param {Target} two
 */
export async function twoWorkers(context, one, two) {
  const { rig, options } = context
  await rig.answer({ answer: 'json' })
  const { requests, connections } = /** @type {(typeof saturating)[string]} */ (saturating['1k'])
  const halves = options.layout.pinned
  // Both equally warm: one of them has usually served every scenario before this one.
  for (const target of [one, two]) await warmUp(context, target, '1k')
  await rig.answer({ answer: 'json' })
  /** @type {Measurement[]} */
  const singles = []
  /** @type {Measurement[]} */
  const doubles = []
  for (let round = 0; round < options.rounds; round += 1) {
    for (const target of inTurn([one, two], round)) {
      const { seconds, warmupSeconds } = options
      const lifetime = seconds + warmupSeconds + 3
      const burner =
        halves && target === one
          ? startModule(join(bench, 'lib', 'burner.mjs'), { core: options.layout.worker, args: [String(lifetime)] })
          : null
      const measured = await rig.measure(target, { requests, connections, seconds, warmupSeconds, drainSeconds: 30 })
      if (burner !== null) await stop(burner)
      checkSound(context, target.name, measured)
      ;(target === one ? singles : doubles).push(measured)
      await settle(context, target)
    }
  }
  const perSecond = (/** @type {Measurement[]} */ all) => all.map((m) => m.load.perSecond)
  const perCpuSecond = (/** @type {Measurement[]} */ all) =>
    all.map((m) => 1e6 / (m.cpuUsPerRequest.worker ?? Number.NaN))
  const ratio = pairedRatio(perSecond(doubles), perSecond(singles))
  const efficiency = pairedRatio(perCpuSecond(doubles), perCpuSecond(singles))
  const oneShare = typical(singles, (m) => m.coreShare.worker)
  const twoShare = typical(doubles, (m) => m.coreShare.worker)
  // The method holds only where the scheduler gave what it assumes: a half of the core, then all of it.
  const fair = halves && oneShare !== null && twoShare !== null && Math.abs(oneShare - 0.5) < 0.06 && twoShare > 0.9
  if (halves && !fair) {
    context.notes.push(
      `two workers: one had ${oneShare} of a core and two had ${twoShare}, where 0.5 and 1 are needed; the ratio is not judged`,
    )
  }
  return {
    method: halves ? 'half a core for each worker' : 'placed by the kernel',
    one: { perSecond: typical(singles, (m) => m.load.perSecond), workerCore: oneShare },
    two: { perSecond: typical(doubles, (m) => m.load.perSecond), workerCore: twoShare },
    ratio,
    /** Requests for the same CPU time: twice this is what two whole cores would give. */
    efficiency,
    /** The lower of what was seen and what the CPU time allows; null where the shares were not fair. */
    judged: fair ? Math.min(ratio.median ?? Number.NaN, 2 * (efficiency.median ?? Number.NaN)) : null,
  }
}

/**
 * The whole product, office and database included, on the one core that the bare pass-through has.
 * @param {Context} context @param {Target} bare @param {Target} gateway
 */
export async function oneCore(context, bare, gateway) {
  const { layout } = context.options
  const { office = [], postgres = [] } = gateway.pids()
  if (layout.worker !== null) pin([...office, ...postgres], layout.worker)
  try {
    return await saturation(context, '1k', [bare, gateway])
  } finally {
    if (layout.office !== null)
      pin([...(gateway.pids().office ?? []), ...(gateway.pids().postgres ?? [])], layout.office)
  }
}

/**
 * Memory over many requests of mixed kinds: small, large, streamed.
 * @param {Context} context @param {Target} gateway
 */
export async function memoryOverTime(context, gateway) {
  const { rig, options } = context
  const requestLimit = options.quick ? 3000 : 200_000
  await rig.answer({ answer: 'asked' })
  const measured = await rig.measure(gateway, {
    requests: [
      { body: '1k', answer: 'json' },
      { body: '1k', answer: 'burst' },
      { body: '1k', answer: 'json' },
      { body: '200k', answer: 'json' },
    ],
    connections: 64,
    requestLimit,
    drainSeconds: 60,
  })
  checkSound(context, 'memory', measured)
  const settledSeconds = await gateway.settle()
  const seconds = measured.load.seconds
  const parts = Object.entries(measured.memory).map(([part, { beforeMiB, peakMiB, samplesMiB }]) => {
    const quarter = (/** @type {number} */ index) =>
      median(
        samplesMiB
          .filter(([at]) => at >= (seconds * index) / 4 && at <= (seconds * (index + 1)) / 4)
          .map(([, mib]) => mib),
      )
    const later = samplesMiB.filter(([at]) => at >= seconds / 4)
    return {
      part,
      beforeMiB,
      peakMiB,
      quartersMiB: [0, 1, 2, 3].map((index) => rounded(quarter(index))),
      /** After the first quarter, which is warm-up; from few requests it would be a guess. */
      growthMiBPer100k: requestLimit < 50_000 ? null : rounded((slope(later) * seconds * 100_000) / requestLimit, 3),
    }
  })
  return {
    requests: measured.load.requests,
    seconds: rounded(seconds),
    settledSeconds: rounded(settledSeconds, 2),
    parts,
  }
}

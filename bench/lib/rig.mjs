// @ts-check
/** The measuring side: the upstream and the load generator as processes, and one measurement as one call. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canPrioritise, prioritise, proportionalBytes, residentBytes } from './proc.mjs'
import { nextMessage, startModule, stop } from './processes.mjs'

const bench = dirname(dirname(fileURLToPath(import.meta.url)))

/** @typedef {import('./targets.mjs').Target} Target */
/** @typedef {import('../load.mjs').Job} Job */
/** @typedef {{ beforeMiB: number, peakMiB: number, samplesMiB: Array<[second: number, MiB: number]> }} Memory */

/**
 * One measurement: what the load generator saw, and what it cost whom.
 * @typedef {object} Measurement
 * @property {import('../load.mjs').LoadResult} load
 * @property {Record<string, number>} cpuUsPerRequest by part
 * @property {Record<string, number>} coreShare by part: 1 is one core busy all the time
 * @property {number} othersShare cores used by processes that are no part of this run: noise
 * @property {Record<string, Memory>} memory by part of the target
 */

export class Rig {
  /** @type {string | null} what the upstream was last told */
  answering = null
  /** Of every measurement so far. @type {number[]} */
  othersShares = []

  /**
   * @param {import('node:child_process').ChildProcess} upstream
   * @param {number} upstreamPort
   * @param {import('node:child_process').ChildProcess} load
   */
  constructor(upstream, upstreamPort, load) {
    this.upstream = upstream
    this.upstreamPort = upstreamPort
    this.load = load
  }

  /** @param {import('./options.mjs').Layout} layout @returns {Promise<Rig>} */
  static async start(layout) {
    const upstream = startModule(join(bench, 'upstream.mjs'), { core: layout.upstream })
    const port = await nextMessage(upstream, (message) => message.port)
    const load = startModule(join(bench, 'load.mjs'), { core: layout.load })
    if (layout.pinned) {
      prioritise(Number(upstream.pid))
      prioritise(Number(load.pid))
    }
    return new Rig(upstream, port, load)
  }

  /** How load and upstream stand to whoever shares their core, for the record. @param {import('./options.mjs').Layout} layout */
  static priority(layout) {
    return layout.pinned && canPrioritise() ? 'real time (SCHED_RR)' : 'normal'
  }

  /** @param {import('../upstream.mjs').Setting} setting */
  async answer(setting) {
    const wanted = JSON.stringify(setting)
    if (wanted === this.answering) return
    const ready = nextMessage(this.upstream, (message) => message.ready)
    this.upstream.send(setting)
    await ready
    this.answering = wanted
  }

  /**
   * @param {Target} target
   * @param {Omit<Job, 'port' | 'path' | 'headers' | 'watch'>} work
   * @returns {Promise<Measurement>}
   */
  async measure(target, work) {
    const pids = target.pids()
    const watch = { ...pids, upstream: [Number(this.upstream.pid)], runner: [process.pid] }
    const meter = watchMemory(pids)
    const outcome = nextMessage(this.load, (message) => (message.result || message.failed ? message : undefined))
    this.load.send({ ...work, port: target.port, path: target.path, headers: target.headers, watch })
    const { result, failed } = await outcome
    const memory = meter.stop()
    if (failed !== undefined) throw new Error(`the load generator failed: ${failed}`)
    /** @type {import('../load.mjs').LoadResult} */
    const load = result
    /** @type {Record<string, number>} */
    const cpuUsPerRequest = {}
    /** @type {Record<string, number>} */
    const coreShare = {}
    const { machine = 0, ...parts } = load.cpuSeconds
    const ours = Object.values(parts).reduce((sum, seconds) => sum + seconds, 0)
    for (const [name, seconds] of Object.entries(parts)) {
      cpuUsPerRequest[name] = load.requests > 0 ? (seconds * 1e6) / load.requests : 0
      coreShare[name] = seconds / load.seconds
    }
    const othersShare = Math.max(0, machine - ours) / load.seconds
    this.othersShares.push(othersShare)
    return { load, cpuUsPerRequest, coreShare, othersShare, memory }
  }

  async close() {
    await Promise.all([stop(this.load), stop(this.upstream)])
  }
}

/** @param {Record<string, number[]>} parts */
function watchMemory(parts) {
  const began = Date.now()
  const inMiB = (/** @type {string} */ name) => {
    const pids = parts[name] ?? []
    return Math.round(((name === 'postgres' ? proportionalBytes : residentBytes)(pids) / 2 ** 20) * 10) / 10
  }
  /** @type {Record<string, Memory>} */
  const memory = {}
  for (const name of Object.keys(parts)) {
    const now = inMiB(name)
    memory[name] = { beforeMiB: now, peakMiB: now, samplesMiB: [[0, now]] }
  }
  const timer = setInterval(() => {
    for (const [name, entry] of Object.entries(memory)) {
      const now = inMiB(name)
      entry.peakMiB = Math.max(entry.peakMiB, now)
      entry.samplesMiB.push([(Date.now() - began) / 1000, now])
    }
  }, 500)
  return {
    stop() {
      clearInterval(timer)
      return memory
    },
  }
}

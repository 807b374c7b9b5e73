// @ts-check
/**
 * The bench's load generator: one process, bare sockets, keep-alive. Takes a job over IPC, says `{ measuring: true }` when
 * its warm-up is over and `{ result }` or `{ failed }` at its end. Every body is compared with its template byte for byte.
 *
 * Closed loop (`connections`, each sends its next request when it has its answer) tells throughput. Open loop (`rate`,
 * Poisson arrivals) tells latency, counted from the time a request was due, so that a stall is paid by all who waited.
 */
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { template } from './lib/answers.mjs'
import { clientHeaders, requestBody } from './lib/bodies.mjs'
import { nowUs } from './lib/clock.mjs'
import { Histogram } from './lib/histogram.mjs'
import { cpuSeconds, machineCpuSeconds } from './lib/proc.mjs'
import { ResponseReader } from './lib/response-reader.mjs'
import { TemplateCheck } from './lib/template-check.mjs'

/**
 * @typedef {object} Job
 * @property {number} port
 * @property {string} path
 * @property {Record<string, string>} headers the target's own, credential included
 * @property {Array<{ body: import('./lib/bodies.mjs').BodyKind, answer: 'json' | 'burst' | 'paced' }>} requests sent in turn
 * @property {number} connections
 * @property {number} [rate] requests a second; makes the loop an open one
 * @property {number} [seconds] measured, after the warm-up
 * @property {number} [requestLimit] ends a closed loop after so many requests, warm-up included
 * @property {number} [warmupSeconds]
 * @property {number} [rampMs] closed loop: connections start spread over this time
 * @property {number} [events] of a paced stream
 * @property {number} [drainSeconds] wait for answers at the end
 * @property {Record<string, number[]>} watch processes whose CPU time is read at both ends of the measurement
 */

/**
 * @typedef {object} LoadResult
 * @property {number} requests answered in the measured window, right ones and wrong ones
 * @property {number} seconds
 * @property {number} perSecond answers that were right, a second
 * @property {number} wrongBodies
 * @property {number} notOk answers with another status than 200
 * @property {number} broken connections that ended in the middle of an answer
 * @property {number} unfinished requests without their answer at the end
 * @property {number} framesExpected events of all streams begun
 * @property {number} framesLost
 * @property {import('./lib/histogram.mjs').Summary | null} latencyUs
 * @property {import('./lib/histogram.mjs').Summary | null} firstByteUs
 * @property {import('./lib/histogram.mjs').Summary | null} eventDelayUs from the upstream's stamp to our read
 * @property {import('./lib/histogram.mjs').Summary | null} lateUs open loop: how late the generator itself was
 * @property {Record<string, number>} cpuSeconds
 * @property {string | null} firstComplaint
 */

// Reads are synchronous from the kernel to our callback, so one buffer serves every connection.
const readBuffer = Buffer.allocUnsafe(256 * 1024)

/** Requests ready to be written, and what their answers must be. */
class Shot {
  /** @param {Job} job @param {Job['requests'][number]} request */
  constructor(job, request) {
    const body = requestBody(request.body, request.answer !== 'json')
    const headers = { host: `127.0.0.1:${job.port}`, ...clientHeaders, ...job.headers, 'content-length': body.length }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.bytes = Buffer.concat([Buffer.from(`POST ${job.path} HTTP/1.1\r\n${lines.join('')}\r\n`), body])
    this.template = template(request.answer, job.events)
  }
}

class Run {
  latency = new Histogram()
  firstByte = new Histogram()
  eventDelay = new Histogram()
  late = new Histogram()
  requests = 0
  right = 0
  wrongBodies = 0
  notOk = 0
  broken = 0
  framesExpected = 0
  framesLost = 0
  /** @type {string | null} */
  firstComplaint = null

  started = 0
  inFlight = 0
  stopping = false
  /** @type {Line[]} */
  lines = []
  /** @type {Line[]} */
  idle = []
  /** Open loop: times of requests that wait for a free connection. @type {number[]} */
  backlog = []
  /** @type {() => void} */
  onQuiet = () => {}

  /** @param {Job} job */
  constructor(job) {
    this.job = job
    this.shots = job.requests.map((request) => new Shot(job, request))
  }

  nextShot() {
    const shot = /** @type {Shot} */ (this.shots[this.started % this.shots.length])
    this.started += 1
    return shot
  }

  /** Forgets what the warm-up counted. */
  beginMeasuring() {
    for (const name of /** @type {const} */ (['latency', 'firstByte', 'eventDelay', 'late']))
      this[name] = new Histogram()
    this.requests = 0
    this.right = 0
  }

  /** A connection is free for its next request. @param {Line} line */
  free(line) {
    if (this.job.rate !== undefined) {
      const due = this.backlog.shift()
      if (due === undefined) this.idle.push(line)
      else line.send(due)
    } else if (!this.stopping && this.started < (this.job.requestLimit ?? Number.POSITIVE_INFINITY)) line.send(nowUs())
    else if (this.inFlight === 0) this.onQuiet()
  }

  /** Open loop: a request is due. @param {number} dueUs */
  arrive(dueUs) {
    this.late.record(nowUs() - dueUs)
    const line = this.idle.pop()
    if (line === undefined) this.backlog.push(dueUs)
    else line.send(dueUs)
  }

  /** @param {string} what */
  complain(what) {
    this.firstComplaint ??= what.slice(0, 600)
  }

  close() {
    for (const line of this.lines) line.close()
  }
}

/** One connection and the request on it. */
class Line {
  /** @type {import('node:net').Socket | null} */
  socket = null
  busy = false
  startedUs = 0
  sawFirstByte = false
  closed = false
  errorText = ''
  reader = new ResponseReader(this)
  /** @type {TemplateCheck | null} */
  check = null

  /** @param {Run} run */
  constructor(run) {
    this.run = run
    /** One check for each shot, kept. @type {Map<Shot, TemplateCheck>} */
    this.checks = new Map()
    for (const shot of run.shots) {
      this.checks.set(shot, new TemplateCheck(shot.template, (stampUs) => run.eventDelay.record(nowUs() - stampUs)))
    }
  }

  dial() {
    const socket = connect({
      port: this.run.job.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.read(length)
          return true
        },
      },
    })
    socket.on('error', (error) => this.run.complain(String(error)))
    socket.on('close', () => this.lost(socket))
    this.socket = socket
  }

  /** @param {number} startedUs the time its latency counts from */
  send(startedUs) {
    const { run } = this
    const shot = run.nextShot()
    this.check = this.checks.get(shot) ?? null
    this.check?.reset()
    run.framesExpected += shot.template.eventEnds.length
    this.busy = true
    this.sawFirstByte = false
    this.startedUs = startedUs
    run.inFlight += 1
    if (this.socket === null) this.dial()
    this.socket?.write(shot.bytes)
  }

  /** @param {number} length */
  read(length) {
    try {
      this.reader.feed(readBuffer, length)
    } catch (error) {
      this.run.complain(String(error))
      this.socket?.destroy()
    }
  }

  /** @param {Buffer} buffer @param {number} start @param {number} end */
  body(buffer, start, end) {
    if (!this.sawFirstByte) {
      this.sawFirstByte = true
      this.run.firstByte.record(nowUs() - this.startedUs)
    }
    if (this.reader.status === 200) this.check?.push(buffer, start, end)
    else this.errorText += buffer.toString('latin1', start, Math.min(end, start + 300))
  }

  done() {
    const { run, check } = this
    run.latency.record(nowUs() - this.startedUs)
    run.requests += 1
    if (this.reader.status !== 200) {
      run.notOk += 1
      run.complain(`${this.reader.headText}${this.errorText}`)
      this.errorText = ''
    } else if (check?.whole) run.right += 1
    else {
      run.wrongBodies += 1
      run.complain(`a body differs from its template at byte ${check?.at} of ${check?.template.bytes.length}`)
    }
    const { closes } = this.reader
    this.settle()
    if (closes) this.drop()
    run.free(this)
  }

  /** The request is over, well or badly. */
  settle() {
    this.busy = false
    this.run.inFlight -= 1
    if (this.check !== null) this.run.framesLost += this.check.template.eventEnds.length - this.check.events
  }

  drop() {
    const { socket } = this
    this.socket = null
    this.reader.reset()
    socket?.destroy()
  }

  /** @param {import('node:net').Socket} socket */
  lost(socket) {
    if (socket !== this.socket || this.closed) return
    this.socket = null
    const proper = this.busy && this.reader.end()
    this.reader.reset()
    if (!this.busy || proper) return
    this.run.broken += 1
    this.run.complain('the connection ended in the middle of an answer')
    this.settle()
    // A target that refuses must not be hammered in a tight loop.
    setTimeout(() => this.run.free(this), 10)
  }

  close() {
    this.closed = true
    if (this.busy && this.check !== null) {
      this.run.framesLost += this.check.template.eventEnds.length - this.check.events
    }
    this.socket?.destroy()
  }
}

/** Poisson arrivals, the same in each run. @param {number} rate @param {number} seconds @param {number} fromUs */
function arrivals(rate, seconds, fromUs) {
  let seed = 0x2545f491
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  /** @type {number[]} */
  const times = []
  for (let at = 0; ; ) {
    at += -Math.log(1 - random()) / rate
    if (at >= seconds) return Float64Array.from(times)
    times.push(fromUs + at * 1e6)
  }
}

/** @param {Record<string, number[]>} watch */
function readCpu(watch) {
  const ours = Object.entries({ ...watch, load: [process.pid] }).map(([name, pids]) => [name, cpuSeconds(pids)])
  return { ...Object.fromEntries(ours), machine: machineCpuSeconds() }
}

/** @param {number} ms @param {() => void} act */
const after = (ms, act) => setTimeout(act, ms)

/** @param {Run} run */
function startLoad(run) {
  const { job } = run
  const warmupSeconds = job.warmupSeconds ?? 0
  run.lines = Array.from({ length: job.connections }, () => new Line(run))
  if (job.rate === undefined) {
    run.lines.forEach((line, index) => {
      const wait = ((job.rampMs ?? 0) * index) / job.connections
      if (wait < 1) run.free(line)
      else after(wait, () => run.free(line))
    })
    return
  }
  run.idle = [...run.lines]
  for (const line of run.lines) line.dial()
  const fromUs = nowUs() + 200_000
  const arrivalsUs = arrivals(job.rate, warmupSeconds + (job.seconds ?? 5), fromUs)
  const pacer = new Worker(new URL('./lib/pacer.mjs', import.meta.url), { workerData: { arrivalsUs } })
  pacer.on('message', (dueUs) => run.arrive(dueUs))
}

/** @param {Job} job @returns {Promise<LoadResult>} */
async function perform(job) {
  const run = new Run(job)
  startLoad(run)
  // The measured window ends by time, or with the last answer of a counted job.
  const quiet = new Promise((resolve) => {
    run.onQuiet = () => resolve(undefined)
  })
  await new Promise((resolve) => after((job.warmupSeconds ?? 0) * 1000, () => resolve(undefined)))
  run.beginMeasuring()
  const cpuBefore = readCpu(job.watch)
  const beganUs = nowUs()
  process.send?.({ measuring: true })
  if (job.seconds === undefined) await quiet
  else await new Promise((resolve) => after(Number(job.seconds) * 1000, () => resolve(undefined)))
  const seconds = (nowUs() - beganUs) / 1e6
  const cpuAfter = readCpu(job.watch)
  const { requests, right } = run
  run.stopping = true
  const deadline = nowUs() + (job.drainSeconds ?? 10) * 1e6
  while ((run.inFlight > 0 || run.backlog.length > 0) && nowUs() < deadline) {
    await new Promise((resolve) => after(5, () => resolve(undefined)))
  }
  const unfinished = run.inFlight + run.backlog.length
  run.close()
  return {
    requests,
    seconds,
    perSecond: right / seconds,
    wrongBodies: run.wrongBodies,
    notOk: run.notOk,
    broken: run.broken,
    unfinished,
    framesExpected: run.framesExpected,
    framesLost: run.framesLost,
    latencyUs: run.latency.summary(),
    firstByteUs: run.firstByte.summary(),
    eventDelayUs: run.eventDelay.summary(),
    lateUs: run.late.summary(),
    cpuSeconds: Object.fromEntries(
      Object.entries(cpuAfter).map(([name, value]) => [name, value - (cpuBefore[name] ?? 0)]),
    ),
    firstComplaint: run.firstComplaint,
  }
}

process.on('message', (job) => {
  perform(/** @type {Job} */ (job)).then(
    (result) => process.send?.({ result }),
    (error) => process.send?.({ failed: String(error?.stack ?? error) }),
  )
})
process.on('disconnect', () => process.exit(0))

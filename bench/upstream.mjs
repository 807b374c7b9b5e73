// @ts-check
/**
 * The bench's upstream: HTTP/1.1 on bare sockets, so that it costs as little as Node allows, with canned answers. Which
 * answer it gives is told to it over IPC, not read from the request, because not every gateway forwards a request
 * header or keeps the order of the body's keys.
 *
 * Over IPC it takes `{ answer: 'json' | 'burst' | 'paced' | 'asked', paceMs?, events? }` and says `{ port }` once and
 * `{ ready: answer }` after each change. `asked` gives a whole stream to a body that ends in `"stream":true}`, else JSON.
 * `--port N` lets it run by hand, with `--answer`.
 */
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import {
  burstResponse,
  eventsOfWholeStream,
  jsonResponse,
  lastChunk,
  pacedChunks,
  stampLength,
  streamHead,
} from './lib/answers.mjs'
import { nowUs } from './lib/clock.mjs'

const tickMs = 2
const maxHeadBytes = 64 * 1024

/** @typedef {'json' | 'burst' | 'paced' | 'asked'} Answer */
/** @typedef {{ answer: Answer, paceMs?: number, events?: number }} Setting */

/** @type {Required<Setting>} */
let setting = { answer: 'json', paceMs: 100, events: eventsOfWholeStream }
let pacedParts = pacedChunks(setting.events)

/**
 * Streams under way, by the tick at which their next event is due; each keeps the phase it came with.
 * @type {Array<Set<Caller>>}
 */
let slots = []
let ticksDone = 0
let ticksStartedUs = 0
/** @type {NodeJS.Timeout | undefined} */
let ticker

const stamp = () => Math.round(nowUs()).toString().padStart(stampLength, '0')

/** One connection: reads requests one after the other and answers each when its body is complete. */
class Caller {
  /** @type {'head' | 'body' | 'chunk-size' | 'chunk-data' | 'trailer'} */
  state = 'head'
  /** Bytes of an unfinished head or chunk line. @type {Buffer | null} */
  rest = null
  /** Bytes still to come of the body or of the chunk (its line end included). */
  remaining = 0
  asksForStream = false
  nextEvent = 0
  /** @type {Set<Caller> | null} */
  slot = null

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
  }

  /** @param {Buffer} data */
  feed(data) {
    const buffer = this.rest === null ? data : Buffer.concat([this.rest, data])
    this.rest = null
    let at = 0
    while (at < buffer.length) {
      const next = this.remaining > 0 ? this.skip(buffer, at) : this.readText(buffer, at)
      if (next < 0) {
        if (buffer.length - at > maxHeadBytes) this.socket.destroy()
        else this.rest = Buffer.from(buffer.subarray(at))
        return
      }
      at = next
    }
  }

  /** Passes over body bytes. @param {Buffer} buffer @param {number} at @returns {number} where to read on */
  skip(buffer, at) {
    const take = Math.min(this.remaining, buffer.length - at)
    this.remaining -= take
    if (this.remaining === 0) {
      if (this.state === 'chunk-data') this.state = 'chunk-size'
      else {
        this.asksForStream = buffer[at + take - 2] === 0x65 && buffer[at + take - 3] === 0x75 // …"stream":true}
        this.reply()
      }
    }
    return at + take
  }

  /** Reads a head or a line. @param {Buffer} buffer @param {number} at @returns {number} where to read on; -1: not all here */
  readText(buffer, at) {
    const mark = this.state === 'head' ? '\r\n\r\n' : '\r\n'
    const end = buffer.indexOf(mark, at, 'latin1')
    if (end < 0) return -1
    const text = buffer.toString('latin1', at, end)
    if (this.state === 'head') this.beginBody(text)
    else if (this.state === 'trailer') {
      if (text === '') this.reply()
    } else {
      const size = Number.parseInt(text, 16)
      this.state = size === 0 ? 'trailer' : 'chunk-data'
      this.remaining = size === 0 ? 0 : size + 2
    }
    return end + mark.length
  }

  /** @param {string} head */
  beginBody(head) {
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    if (length !== null && length[1] !== '0') {
      this.state = 'body'
      this.remaining = Number(length[1])
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.state = 'chunk-size'
    else this.reply()
  }

  reply() {
    this.state = 'head'
    const answer = setting.answer === 'asked' ? (this.asksForStream ? 'burst' : 'json') : setting.answer
    if (answer === 'json') this.socket.write(jsonResponse)
    else if (answer === 'burst') this.socket.write(burstResponse)
    else this.beginPaced()
  }

  beginPaced() {
    this.nextEvent = 0
    this.socket.write(streamHead + this.takeEvent(), 'latin1')
    this.slot = slots[ticksDone % slots.length] ?? null
    this.slot?.add(this)
  }

  takeEvent() {
    const [before, after] = /** @type {[string, string]} */ (pacedParts[this.nextEvent])
    this.nextEvent += 1
    const last = this.nextEvent === pacedParts.length
    return before + stamp() + after + (last ? lastChunk : '')
  }

  /** Sends the event that is due. */
  step() {
    this.socket.write(this.takeEvent(), 'latin1')
    if (this.nextEvent === pacedParts.length) this.leave()
  }

  leave() {
    this.slot?.delete(this)
    this.slot = null
  }
}

/** Catches up with the clock: a late timer sends what was due meanwhile, so the pace holds on average. */
function sendDueEvents() {
  const due = Math.floor((nowUs() - ticksStartedUs) / 1000 / tickMs)
  while (ticksDone < due) {
    ticksDone += 1
    for (const caller of slots[ticksDone % slots.length] ?? []) caller.step()
  }
}

/** @param {Setting} wanted */
function apply(wanted) {
  clearInterval(ticker)
  setting = { paceMs: 100, events: eventsOfWholeStream, ...wanted }
  if (setting.answer !== 'paced') return
  pacedParts = pacedChunks(setting.events)
  slots = Array.from({ length: Math.max(1, Math.round(setting.paceMs / tickMs)) }, () => new Set())
  ticksDone = 0
  ticksStartedUs = nowUs()
  ticker = setInterval(sendDueEvents, tickMs)
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    answer: { type: 'string', default: 'json' },
    'pace-ms': { type: 'string', default: '100' },
  },
})

const server = createServer({ noDelay: true }, (socket) => {
  const caller = new Caller(socket)
  socket.on('data', (data) => caller.feed(data))
  socket.on('error', () => socket.destroy())
  socket.on('close', () => caller.leave())
})
apply({ answer: /** @type {Answer} */ (values.answer), paceMs: Number(values['pace-ms']) })
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  if (process.send === undefined) console.log(`upstream on 127.0.0.1:${port}`)
  process.send?.({ port })
})
process.on('message', (message) => {
  apply(/** @type {Setting} */ (message))
  process.send?.({ ready: setting.answer })
})
// The bench is gone: do not outlive it.
process.on('disconnect', () => process.exit(0))

// A process that writes a journal as a gateway worker does, as fast as it is told, and writes down by itself what it
// may count on: an id is acknowledged (one line in its own log) once the journal has it in the file. Ends at SIGTERM with
// everything closed and acknowledged.
//   node journal-writer.mjs DIST JOURNALS LOG SEED PER_SECOND
import { openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [dist, journals, log, seed, perSecond] = process.argv.slice(2)
const from = (file) => import(pathToFileURL(path.join(dist, file)).href)
const { openJournal } = await from('journal/index.js')
const { journalNameOf } = await from('app/surviving-workers.js')
const { systemClock } = await from('core/clock.js')

// mulberry32: small, fast, good enough to choose with, and the same everywhere.
let state = Number(seed) >>> 0
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
const whole = (below) => Math.floor(random() * below)
const oneOf = (list) => list[whole(list.length)]

const digits = (count) => Array.from({ length: count }, () => whole(16).toString(16)).join('')
// The seed alone would give two writers, or two lives of one, the same ids.
const life = `${process.pid.toString(16).padStart(6, '0')}${Date.now().toString(16)}`.slice(0, 12).padEnd(12, '0')
let made = 0
function newId(time) {
  made += 1
  const head = time.toString(16).padStart(12, '0')
  const count = made.toString(16).padStart(6, '0')
  return `${head.slice(0, 8)}-${head.slice(8)}-7${count.slice(0, 3)}-8${count.slice(3)}-${life}`
}

const ends = [
  ['ok', 200, null],
  ['ok', 200, null],
  ['ok', 200, null],
  ['caller_error', 400, 'caller_invalid_request'],
  ['provider_error', 529, 'provider_overloaded'],
  ['cancelled', 499, 'caller_cancelled'],
]

function opening() {
  const openedAt = Date.now() - whole(3) * 60_000
  const account = oneOf(['main', 'second', null])
  const model = oneOf(['claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-opus-4-1'])
  return {
    ...{ kind: 'opened', id: newId(openedAt), openedAt, method: 'POST', path: '/v1/messages', endpoint: 'messages' },
    ...{ domain: oneOf(['web', 'batch', 'tests']), keyId: oneOf(['k_1', 'k_2', null]), account },
    ...{ provider: 'anthropic', requestedModel: model, streaming: random() < 0.5, sessionId: oneOf([null, digits(8)]) },
    ...{ agentId: null, parentAgentId: null, requestBytes: whole(100_000) },
  }
}

function closing(opened) {
  const [outcome, statusCode, errorType] = oneOf(ends)
  const answered = outcome === 'ok'
  return {
    ...opened,
    ...{ kind: 'closed', closedAt: opened.openedAt + 500, statusCode, outcome, errorType, errorMessage: null },
    ...{ failedAfterFirstByte: false, upstreamStatus: statusCode, upstreamRequestId: 'req_1', stopReason: 'end_turn' },
    // Few different times, so that a check can sort them into slots quickly.
    ...{ model: answered ? opened.requestedModel : null, attempts: 1, durationMs: (1 + whole(400)) * 7.125 },
    ...{ ttftMs: answered ? (1 + whole(90)) * 1.5 : null, upstreamMs: 9, overheadMs: 0.5, responseBytes: whole(9_000) },
    usage: {
      ...{ input: whole(9_000), output: whole(3_000), cacheRead: whole(50_000), cacheWrite5m: whole(500) },
      ...{ cacheWrite1h: whole(50), reasoning: oneOf([null, whole(100)]) },
    },
    ...{ usageSource: 'reported', usageFlags: [], serverToolUse: null, serviceTier: null, speed: null },
    inferenceGeo: null,
    routing: null,
    rateLimitHeaders: random() < 0.1 ? { 'anthropic-ratelimit-requests-remaining': String(whole(1_000)) } : null,
  }
}

const acknowledgements = openSync(log, 'a')
const quiet = () => undefined
const journal = openJournal({
  root: journals,
  name: await journalNameOf(process.pid, systemClock),
  clock: systemClock,
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  segmentBytes: 512 * 1024,
})

const open = []
/** Written, and not yet known to be in a file: a disk that is full takes them later. */
let unsure = ''

function close(opened) {
  if (!journal.append(JSON.stringify(closing(opened)), 'now')) return
  unsure += `${opened.id}\n`
}

function acknowledge() {
  if (unsure === '' || journal.state().backlogBytes > 0) return
  writeSync(acknowledgements, unsure)
  unsure = ''
}

let due = 0
let last = performance.now()
let stopping = false
process.on('SIGTERM', () => {
  stopping = true
})

async function work() {
  const now = performance.now()
  // A process that was held up does not catch up on all of it at once.
  due = Math.min(due + ((now - last) / 1_000) * Number(perSecond), 2_000)
  last = now
  for (; due >= 1; due -= 1) {
    const opened = opening()
    if (random() < 0.4) journal.append(JSON.stringify(opened), 'soon')
    if (random() < 0.2) open.push(opened)
    else close(opened)
    if (open.length > 20) close(open.shift())
  }
  acknowledge()
  if (!stopping) return setTimeout(work, 5)
  for (const opened of open) close(opened)
  await journal.close()
  acknowledge()
  process.exit(unsure === '' ? 0 : 1)
}

writeSync(1, 'ready\n')
work()

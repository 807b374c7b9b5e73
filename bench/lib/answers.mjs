// @ts-check
/**
 * The canned answers of the bench's upstream and, from the same place, the templates that the load generator compares
 * every answer with, byte for byte. A stamp of sixteen digits (microseconds of the monotonic clock, which processes on
 * one machine share) stands in each event of a paced stream, so that the delay of every single event is known.
 */

const usage = {
  input_tokens: 2095,
  cache_creation_input_tokens: 1200,
  cache_read_input_tokens: 45_000,
  cache_creation: { ephemeral_5m_input_tokens: 1200, ephemeral_1h_input_tokens: 0 },
}
const model = 'claude-sonnet-4-5-20250929'
const sentence = 'The quick brown fox jumps over the lazy dog. '

export const stampLength = 16
const hole = '#'.repeat(stampLength)

/** Events of one whole stream: message_start, content_block_start, the deltas, and the three that end it. */
export const eventsOfWholeStream = 105

export const jsonBody = Buffer.from(
  JSON.stringify({
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model,
    content: [
      { type: 'text', text: sentence.repeat(20) },
      {
        type: 'tool_use',
        id: 'toolu_01A09q90qw90lq917835lq9',
        name: 'Read',
        input: { file_path: '/home/user/project/src/index.ts', offset: 10, limit: 200 },
      },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: { ...usage, output_tokens: 503, service_tier: 'standard' },
  }),
)

/** @param {string} name @param {object} data */
const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`

/**
 * The events of one stream in order; each holds one stamp-shaped hole where `stamped`.
 * @param {number} count events in all, at least 6
 * @param {boolean} stamped
 * @returns {string[]}
 */
export function streamEvents(count, stamped) {
  const stamp = stamped ? hole : '0123456789012345'
  const message = { id: `msg_${stamp}`, type: 'message', role: 'assistant', model, content: [], stop_reason: null }
  const start = { ...message, stop_sequence: null, usage: { ...usage, output_tokens: 1, service_tier: 'standard' } }
  const events = [
    event('message_start', { message: start }),
    event('content_block_start', {
      index: 0,
      content_block: { type: 'text', text: '' },
      ...(stamped ? { at: hole } : {}),
    }),
  ]
  for (let index = 0; index < count - 5; index += 1) {
    const text = ` tok${String(index % 1000).padStart(3, '0')} ${stamp}`
    events.push(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }))
  }
  const end = stamped ? { at: hole } : {}
  events.push(event('content_block_stop', { index: 0, ...end }))
  events.push(
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { ...usage, output_tokens: count - 5 },
      ...end,
    }),
  )
  events.push(event('message_stop', end))
  return events
}

/**
 * What a body must be: its bytes, where its stamps stand, and where each of its events ends.
 * @typedef {{ bytes: Buffer, holes: number[], eventEnds: number[] }} Template
 */

/** @param {'json' | 'burst' | 'paced'} answer @param {number} [events] @returns {Template} */
export function template(answer, events = eventsOfWholeStream) {
  if (answer === 'json') return { bytes: jsonBody, holes: [], eventEnds: [] }
  /** @type {number[]} */
  const holes = []
  /** @type {number[]} */
  const eventEnds = []
  let at = 0
  let whole = ''
  for (const text of streamEvents(events, answer === 'paced')) {
    const inside = text.indexOf(hole)
    if (inside >= 0) holes.push(at + inside)
    at += text.length
    eventEnds.push(at)
    whole += text
  }
  return { bytes: Buffer.from(whole, 'latin1'), holes, eventEnds }
}

const commonHeaders =
  'date: Sun, 22 Nov 2026 06:00:00 GMT\r\n' +
  'request-id: req_011CVNYHQbH4Pq8Xr3sWk2Zt\r\n' +
  'anthropic-organization-id: 7a9c1f0e-2b7d-4a61-9a38-0f6f5a7c1e11\r\n' +
  'anthropic-ratelimit-requests-limit: 4000\r\n' +
  'anthropic-ratelimit-requests-remaining: 3999\r\n' +
  'anthropic-ratelimit-requests-reset: 2026-11-22T06:00:00Z\r\n' +
  'anthropic-ratelimit-input-tokens-limit: 2000000\r\n' +
  'anthropic-ratelimit-input-tokens-remaining: 1998000\r\n' +
  'anthropic-ratelimit-input-tokens-reset: 2026-11-22T06:00:00Z\r\n' +
  'anthropic-ratelimit-output-tokens-limit: 400000\r\n' +
  'anthropic-ratelimit-output-tokens-remaining: 399000\r\n' +
  'anthropic-ratelimit-output-tokens-reset: 2026-11-22T06:00:00Z\r\n' +
  'cf-cache-status: DYNAMIC\r\n'

export const jsonResponse = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${jsonBody.length}\r\n` +
      `connection: keep-alive\r\n${commonHeaders}\r\n`,
  ),
  jsonBody,
])

export const streamHead =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n' +
  `transfer-encoding: chunked\r\nconnection: keep-alive\r\n${commonHeaders}\r\n`

/** @param {string} text ASCII only */
export const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`

export const lastChunk = '0\r\n\r\n'

/** A whole stream in one write: each event is a chunk of its own, as a provider frames it. */
export const burstResponse = Buffer.from(
  streamHead + streamEvents(eventsOfWholeStream, false).map(chunk).join('') + lastChunk,
  'latin1',
)

/**
 * Paced events as chunks cut around their stamp: what stands before it and after it.
 * @param {number} count
 * @returns {Array<[before: string, after: string]>}
 */
export function pacedChunks(count) {
  return streamEvents(count, true).map((text) => {
    const framed = chunk(text)
    const at = framed.indexOf(hole)
    return [framed.slice(0, at), framed.slice(at + stampLength)]
  })
}

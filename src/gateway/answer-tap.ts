import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { AnswerHead } from '../wire/headers.ts'
import { SseTap } from '../wire/sse-tap.ts'
import type { Exchange } from './exchange.ts'

/** Reads a private copy of the answer for the record. */
export interface AnswerTap {
  readonly isStream: boolean
  /** Monotonic milliseconds of the last bytes of a stream, of its head before them. */
  readonly lastByteAt: number
  /** For an event stream: between two events, so that one of ours may follow. */
  readonly atBoundary: boolean
  /** The body of an error answer, as far as it was kept. */
  errorBody(): Buffer
  push(chunk: Buffer): void
  /** The bytes have ended. A promise where a compressed copy is still being decoded. */
  finish(): Promise<void> | null
}

/** Bodies are kept up to here to be read at the end; a Messages answer of 128k tokens has some 600 KB. */
const keptBytesLimit = 8 * 1024 * 1024

/** The tap for this answer: of a stream, of a body, or of either one compressed. */
export function answerTap(exchange: Exchange, status: number, head: AnswerHead): AnswerTap {
  const isStream = status < 400 && head.contentType.startsWith('text/event-stream')
  const reader = isStream ? streamReader(exchange) : bodyReader(exchange, status)
  const decoder = decoderFor(head.contentEncoding)
  return decoder === null ? reader : decoded(reader, decoder)
}

function streamReader(exchange: Exchange): AnswerTap {
  const { meter, clock } = exchange
  // Asked once a piece, not once an event: a busy stream has ten of them in each.
  let at = clock.monotonic()
  const sse = new SseTap((name, data) => meter.event(name, data, at))
  return {
    isStream: true,
    get lastByteAt() {
      return at
    },
    get atBoundary() {
      return sse.atBoundary
    },
    errorBody: () => Buffer.alloc(0),
    push(chunk) {
      at = clock.monotonic()
      sse.push(chunk)
    },
    finish() {
      sse.finish()
      return null
    },
  }
}

function bodyReader(exchange: Exchange, status: number): AnswerTap {
  const chunks: Buffer[] = []
  let bytes = 0
  const whole = (): Buffer => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)) // one by its length
  return {
    isStream: false,
    lastByteAt: 0,
    atBoundary: false,
    errorBody: whole,
    push(chunk) {
      bytes += chunk.length
      if (bytes <= keptBytesLimit) chunks.push(chunk)
    },
    finish() {
      if (status < 400 && bytes <= keptBytesLimit) exchange.meter.body(whole())
      return null
    },
  }
}

/** We ask for `identity`; an upstream that compresses all the same is metered from a decoded copy. */
function decoderFor(encoding: string): Transform | null {
  switch (encoding) {
    case 'gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return null
  }
}

function decoded(reader: AnswerTap, decoder: Transform): AnswerTap {
  const done = new Promise<void>((resolve) => {
    // A copy that cannot be decoded ends the metering, not the answer.
    decoder
      .on('data', (chunk: Buffer) => reader.push(chunk))
      .on('end', resolve)
      .on('error', () => resolve())
  })
  return {
    isStream: reader.isStream,
    get lastByteAt() {
      return reader.lastByteAt
    },
    atBoundary: false,
    errorBody: () => reader.errorBody(),
    push: (chunk) => void decoder.write(chunk),
    finish() {
      decoder.end()
      return done.then(() => {
        reader.finish()
      })
    },
  }
}

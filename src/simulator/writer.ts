import type { ServerResponse } from 'node:http'
import { constants, createGzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import type { Plan } from './plan.ts'
import type { Sleep } from './sleep.ts'

/** How a response really went: as planned, or the caller left before. */
export interface WrittenFacts {
  readonly bytes: number
  readonly ended: 'complete' | 'cut' | 'silence' | 'client-gone'
}

const resetDelayMs = 30

/**
 * Carries out a plan on a response: head and parts at their times (a late part does not delay the next ones), with
 * backpressure, until the plan ends or `signal` says that the caller is gone or the simulator closes.
 */
export async function writePlan(
  plan: Plan,
  response: ServerResponse,
  tools: { clock: Clock; sleep: Sleep; signal: AbortSignal; startedAt: number },
): Promise<WrittenFacts> {
  const output = new Output(response, plan.byteLimit, plan.wire.chunkBytes, tools.signal)
  const encode = plan.wire.gzip ? createEncoder() : undefined
  const until = async (atMs: number): Promise<void> => {
    const waitMs = tools.startedAt + atMs - tools.clock.monotonic()
    if (waitMs > 0.5) await tools.sleep(waitMs, tools.signal)
  }
  await until(plan.headAtMs)
  // A socket cut before the first byte is a plan too: then there is no head either.
  const wordless = plan.byteLimit === 0 || (plan.parts.length === 0 && plan.ending !== 'end')
  if (!tools.signal.aborted && !wordless) writeHead(plan, response)
  for (const part of plan.parts) {
    if (tools.signal.aborted || output.full) break
    await until(part.atMs)
    if (tools.signal.aborted) break
    await output.write(encode === undefined ? Buffer.from(part.text) : await encode.push(part.text))
  }
  if (encode !== undefined && !output.full && plan.ending === 'end') await output.write(await encode.finish())
  return finish(plan, response, output, tools)
}

function writeHead(plan: Plan, response: ServerResponse): void {
  const [only] = plan.parts
  // A whole body has its length; a stream, or a body that is to be broken off, has not.
  const streams = plan.headers['cache-control'] !== undefined
  const whole = plan.parts.length === 1 && !plan.wire.gzip && !streams && plan.byteLimit === undefined
  response.writeHead(plan.status, {
    ...plan.headers,
    ...(plan.wire.gzip ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}),
    ...(whole && only !== undefined ? { 'content-length': Buffer.byteLength(only.text) } : {}),
  })
  response.flushHeaders()
}

async function finish(
  plan: Plan,
  response: ServerResponse,
  output: Output,
  tools: { sleep: Sleep; signal: AbortSignal },
): Promise<WrittenFacts> {
  const gone = (): WrittenFacts => ({ bytes: output.bytes, ended: 'client-gone' })
  if (tools.signal.aborted) {
    response.destroy()
    return gone()
  }
  if (plan.ending === 'end') {
    response.end()
    return { bytes: output.bytes, ended: 'complete' }
  }
  if (plan.ending === 'silence') {
    await untilAborted(tools.signal)
    response.destroy()
    return { bytes: output.bytes, ended: 'silence' }
  }
  await output.flushed()
  if (plan.ending === 'reset') {
    // A reset overtakes what the reader's kernel still holds; a moment's wait lets the bytes arrive before it.
    await tools.sleep(resetDelayMs, tools.signal)
    response.socket?.resetAndDestroy()
  }
  response.socket?.destroy()
  return { bytes: output.bytes, ended: 'cut' }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Writes bytes in the asked pieces, counts them, stops at the limit and waits while the socket is full. */
class Output {
  bytes = 0
  readonly #response: ServerResponse
  readonly #limit: number
  readonly #chunkBytes: number
  readonly #signal: AbortSignal

  constructor(
    response: ServerResponse,
    limit: number | undefined,
    chunkBytes: number | undefined,
    signal: AbortSignal,
  ) {
    this.#response = response
    this.#limit = limit ?? Number.POSITIVE_INFINITY
    this.#chunkBytes = Math.max(1, Math.round(chunkBytes ?? Number.MAX_SAFE_INTEGER))
    this.#signal = signal
  }

  get full(): boolean {
    return this.bytes >= this.#limit
  }

  async write(data: Buffer): Promise<void> {
    const kept = data.subarray(0, Math.max(0, this.#limit - this.bytes))
    for (let at = 0; at < kept.length && !this.#signal.aborted; at += this.#chunkBytes) {
      const piece = kept.subarray(at, at + this.#chunkBytes)
      this.bytes += piece.length
      if (!this.#response.write(piece)) await this.#drained()
      // Pieces written in one turn of the event loop leave as one segment; a turn each keeps them apart.
      else if (this.#chunkBytes < kept.length) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves when all that was written has left, so that a cut does not swallow it. */
  flushed(): Promise<void> {
    if (!this.#response.headersSent || this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#signal.addEventListener('abort', () => resolve(), { once: true })
      const { socket } = this.#response
      if (socket === null || socket.destroyed) resolve()
      else socket.write('', () => resolve())
    })
  }

  #drained(): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done)
        this.#signal.removeEventListener('abort', done)
        resolve()
      }
      this.#response.on('drain', done)
      this.#signal.addEventListener('abort', done)
    })
  }
}

interface Encoder {
  push(text: string): Promise<Buffer>
  finish(): Promise<Buffer>
}

/** Gzip that gives out each part at once (sync flush), as a provider's edge does for event streams. */
function createEncoder(): Encoder {
  const gzip = createGzip()
  let produced: Buffer[] = []
  gzip.on('data', (chunk: Buffer) => produced.push(chunk))
  const take = (): Buffer => {
    const all = Buffer.concat(produced)
    produced = []
    return all
  }
  return {
    push: (text) =>
      new Promise((resolve) => {
        gzip.write(text)
        gzip.flush(constants.Z_SYNC_FLUSH, () => resolve(take()))
      }),
    finish: () =>
      new Promise((resolve) => {
        gzip.once('end', () => resolve(take()))
        gzip.end()
      }),
  }
}

import { type Dispatcher, Pool } from 'undici'
import type { UpstreamCall, UpstreamClient, UpstreamFailure, UpstreamHandler } from '../core/upstream.ts'

/** Connections to one provider; a call beyond them waits in undici's queue. */
const maxConnections = 2048
const connectTimeoutMs = 10_000

/**
 * undici pools by origin, used through `dispatch` with a handler object: 1.4 times `undici.request` on small bodies, 3
 * times on streams. Redirects are never followed: undici's core does not.
 */
export function createUpstreamClient(): UpstreamClient {
  const pools = new Map<string, Pool>()
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin)
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: maxConnections,
        pipelining: 1,
        keepAliveTimeout: 30_000,
        connect: { timeout: connectTimeoutMs, noDelay: true },
        maxHeaderSize: 65_536,
      })
      pools.set(origin, pool)
    }
    return pool
  }
  return {
    send(request, handler) {
      const adapter = new Adapter(handler)
      poolOf(request.origin).dispatch(
        {
          path: request.path,
          method: request.method as Dispatcher.HttpMethod, // any token is a method; undici checks its form
          headers: request.headers,
          body: request.body,
          headersTimeout: request.headersTimeoutMs,
          bodyTimeout: request.idleTimeoutMs,
        },
        adapter,
      )
      return adapter
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

/** undici 7 calls handlers of this older form directly; the newer form is wrapped into it at a cost a chunk. */
class Adapter implements UpstreamCall {
  readonly #handler: UpstreamHandler
  #abort: ((error?: Error) => void) | null = null
  #resume: (() => void) | null = null
  #aborted = false
  #headersSeen = false
  #sent = false

  constructor(handler: UpstreamHandler) {
    this.#handler = handler
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort
    // undici calls this when a connection takes the request: from here on bytes may have left.
    this.#sent = true
    if (this.#aborted) abort()
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    // 1xx answers are for this hop only.
    if (status < 200) return true
    this.#resume = resume
    this.#headersSeen = true
    this.#handler.onHeaders(
      status,
      rawHeaders.map((part) => part.toString('latin1')),
    )
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk)
  }

  onComplete(): void {
    this.#handler.onEnd()
  }

  onError(error: Error): void {
    this.#handler.onError(toFailure(error, this.#sent, this.#headersSeen, this.#aborted))
  }

  resume(): void {
    this.#resume?.()
  }

  abort(): void {
    this.#aborted = true
    this.#abort?.()
  }
}

function toFailure(error: Error, sent: boolean, headersSeen: boolean, aborted: boolean): UpstreamFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { kind: kindOf(code, sent, headersSeen, aborted), detail: code, cause: error }
}

function kindOf(code: string, sent: boolean, headersSeen: boolean, aborted: boolean): UpstreamFailure['kind'] {
  if (aborted) return 'aborted'
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'headers_timeout'
  if (code === 'UND_ERR_BODY_TIMEOUT') return 'idle_timeout'
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_INVALID_ARG')
    return headersSeen ? 'cut' : 'bad_response'
  return sent ? 'cut' : 'connect'
}

// @ts-check
/**
 * The baseline: a pass-through on the gateway's own stack (Fastify with a hijacked reply, undici's `dispatch` with a
 * handler class) and not one feature. No key, no journal, no usage, no limits, no deadlines: what any gateway on this
 * stack has to pay, and so what "overhead" is counted from. Not for use as a proxy.
 *
 * `UPSTREAM=http://127.0.0.1:PORT` names the upstream. Plain, it is the pass-through of the textbook: the body is piped,
 * each chunk of the answer is written as it comes. `TUNED=1` does two things that no feature needs: it takes the body
 * whole first (seen cheaper at 1 KB and dearer at 1 MB; at 200 KB runs disagreed), and lets the chunks that arrive in one
 * turn of the event loop leave in one write (1.7 to 2 times as fast for whole streams). Results name it `bare-tuned`, so
 * that nobody takes such a trick for a low overhead.
 */
import Fastify from 'fastify'
import { Pool } from 'undici'

const upstream = process.env.UPSTREAM ?? 'http://127.0.0.1:8080'
const tuned = process.env.TUNED === '1'
const pool = new Pool(upstream, { connections: 2048, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const hopByHop = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

/** Sends what comes from upstream to the caller. undici calls these methods; see its docs on `Dispatcher.DispatchHandlers`. */
class Relay {
  /** @type {(() => void) | undefined} */
  abortUpstream
  /** @type {Buffer[]} */
  joined = []

  /** @param {import('node:http').ServerResponse} response */
  constructor(response) {
    this.response = response
    response.on('close', () => {
      if (!response.writableFinished) this.abortUpstream?.()
    })
  }

  /** @param {() => void} abort */
  onConnect(abort) {
    this.abortUpstream = abort
  }

  /** @param {number} statusCode @param {Buffer[]} rawHeaders @param {() => void} resume */
  onHeaders(statusCode, rawHeaders, resume) {
    /** @type {string[]} */
    const headers = []
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = String(rawHeaders[index]?.toString('latin1'))
      if (hopByHop.has(name.toLowerCase())) continue
      headers.push(name, String(rawHeaders[index + 1]?.toString('latin1')))
    }
    this.response.on('drain', resume)
    this.response.writeHead(statusCode, headers)
    return true
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    if (!tuned) return this.response.write(chunk)
    this.joined.push(chunk)
    if (this.joined.length === 1) setImmediate(() => this.flush())
    return true
  }

  flush() {
    if (this.joined.length === 0) return
    this.response.write(this.joined.length === 1 ? this.joined[0] : Buffer.concat(this.joined))
    this.joined = []
  }

  onComplete() {
    this.flush()
    this.response.end()
  }

  /** @param {Error} error */
  onError(error) {
    if (this.response.headersSent) this.response.destroy(error)
    else this.response.writeHead(502).end()
  }
}

/** @param {import('node:http').IncomingMessage} request @param {(body: Buffer) => void} then */
function takeWhole(request, then) {
  /** @type {Buffer[]} */
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => then(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)))
}

const app = Fastify({ logger: false, keepAliveTimeout: 600_000, requestTimeout: 0 })
app.addHook('onRequest', (request, reply) => {
  reply.hijack()
  const { method, url, rawHeaders } = request.raw
  /** @type {string[]} */
  const headers = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = String(rawHeaders[index])
    if (!hopByHop.has(name.toLowerCase())) headers.push(name, String(rawHeaders[index + 1]))
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const forward = (/** @type {import('node:http').IncomingMessage | Buffer | null} */ body) => {
    const call = {
      path: String(url),
      method: /** @type {import('undici').Dispatcher.HttpMethod} */ (method),
      headers,
      body,
    }
    pool.dispatch(call, new Relay(reply.raw))
  }
  if (!hasBody) forward(null)
  else if (!tuned) forward(request.raw)
  else takeWhole(request.raw, forward)
})
app.all('/*', () => undefined)

const port = Number(process.env.PORT ?? 0)
await app.listen({ port, host: '127.0.0.1', backlog: 4096 })
const [address] = app.addresses()
process.send?.({ port: typeof address === 'object' ? address.port : 0 })
process.on('disconnect', () => process.exit(0))

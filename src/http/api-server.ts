import { createReadStream, existsSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ApiReply, ApiRequest, ApiRoute } from '../core/api-route.ts'

export interface ApiServerOptions {
  readonly host: string
  readonly port: number
  readonly portSetting: string
  readonly bodyLimitBytes: number
  readonly routes: readonly ApiRoute[]
  /** Directory of the built web UI; its `index.html` answers every page address. Null serves the API alone. */
  readonly webRoot: string | null
  /** Headers on every page and asset. */
  readonly pageHeaders: Readonly<Record<string, string>>
  newRequestId(): string
  /** The reply to what the framework itself refuses: broken JSON, a body too large, an unknown path below /api. */
  refuse(status: number, requestId: string): ApiReply
  onFinished(finished: {
    readonly method: string
    readonly path: string
    readonly status: number
    readonly seconds: number
  }): void
}

export interface ApiServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

const fileStallMs = 120_000

/** The dashboard's listener: Fastify for routing, limits and static files. */
export async function serveApi(options: ApiServerOptions): Promise<ApiServer> {
  const server = Fastify({
    bodyLimit: options.bodyLimitBytes,
    genReqId: options.newRequestId,
    requestTimeout: 30_000,
    // HEAD is answered where a room says so.
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    // What never becomes a request of the router's (an address that is none, bytes that are no HTTP) is refused in the
    // same shape as everything else.
    frameworkErrors: (error, request, reply) => void send(reply, options.refuse(error.statusCode ?? 400, request.id)),
    clientErrorHandler: (error, socket) => refuseBytes(options, error, socket),
  })
  for (const route of options.routes) {
    server.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => send(reply, await route.handle(toApiRequest(request))),
    })
  }
  refuseOtherMethods(server, options)
  server.addHook('onResponse', async (request, reply) => {
    options.onFinished({
      method: request.method,
      path: request.url.split('?')[0] ?? '/',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    })
  })
  server.setErrorHandler((error, request, reply) => {
    const status =
      typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number'
        ? error.statusCode
        : 500
    return send(reply, options.refuse(status, request.id))
  })
  await servePages(server, options)
  const url = await server.listen({ host: options.host, port: options.port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(
      `Port ${options.port} on ${options.host} is taken by another program. Stop it, or set ${options.portSetting} to a free port.`,
      { cause: error },
    )
  })
  return { url, port: Number(new URL(url).port), close: () => server.close() }
}

/** An address that is there but not for this method is a 405 that names the right ones, and no "nothing is here". */
function refuseOtherMethods(server: FastifyInstance, options: ApiServerOptions): void {
  const taken = new Map<string, string[]>()
  for (const { path: address, method } of options.routes) taken.set(address, [...(taken.get(address) ?? []), method])
  for (const [address, methods] of taken) {
    server.route({
      method: (['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const).filter(
        (method) => !methods.includes(method),
      ),
      url: address,
      handler: (request, reply) => send(reply.header('allow', methods.join(', ')), options.refuse(405, request.id)),
    })
  }
}

/** The socket has no request yet, or half of one: the answer is written by hand, and the connection ends. */
function refuseBytes(options: ApiServerOptions, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, reason] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request']
  const answer = options.refuse(status, options.newRequestId())
  const body = answer.kind === 'json' ? answer.body : ''
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

async function servePages(server: FastifyInstance, options: ApiServerOptions): Promise<void> {
  const { webRoot, pageHeaders } = options
  const index = webRoot === null ? null : path.join(webRoot, 'index.html')
  if (webRoot !== null && index !== null && existsSync(index)) {
    await server.register(fastifyStatic, {
      root: webRoot,
      // The files that are there at the start, each a route of its own; every other address is a page of the UI.
      wildcard: false,
      index: false,
      cacheControl: false,
      setHeaders: (response, file) => {
        for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value)
        // Names below assets/ carry a hash of their content.
        const isHashed = file.startsWith(path.join(webRoot, 'assets'))
        response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
  }
  server.setNotFoundHandler((request, reply) => {
    const isPage = request.method === 'GET' && !request.url.startsWith('/api') && !request.url.startsWith('/assets/')
    if (!isPage || index === null || !existsSync(index)) return send(reply, options.refuse(404, request.id))
    return reply
      .headers({ ...pageHeaders, 'cache-control': 'no-cache', 'content-length': statSync(index).size })
      .type('text/html; charset=utf-8')
      .send(createReadStream(index) as Readable)
  })
}

function toApiRequest(request: FastifyRequest): ApiRequest {
  return {
    id: request.id,
    method: request.method,
    path: request.url.split('?')[0] ?? '/',
    params: request.params as Record<string, string>, // the router's own: named parts are strings
    query: request.query as Record<string, string | string[] | undefined>, // the default query parser's shape
    headers: request.headers,
    body: request.body,
    remoteAddress: request.ip,
    secure: request.protocol === 'https',
  }
}

function send(reply: FastifyReply, answer: ApiReply): FastifyReply {
  switch (answer.kind) {
    case 'json':
      return reply
        .code(answer.status)
        .headers({ 'content-type': 'application/json; charset=utf-8', ...answer.headers })
        .send(answer.body)
    case 'empty':
      return reply.code(answer.status).headers(answer.headers).send()
    case 'file': {
      reply.hijack()
      const { raw } = reply
      raw.writeHead(answer.status, answer.headers)
      // Who takes nothing for so long is gone, and must not hold on to what the file is made of.
      raw.setTimeout(fileStallMs, () => raw.destroy())
      // A failure is told by the connection that breaks; the room above has logged it.
      pipeline(Readable.from(answer.pieces), raw).catch(() => raw.destroy())
      return reply
    }
    case 'stream': {
      reply.hijack()
      const { raw } = reply
      raw.writeHead(answer.status, answer.headers)
      raw.flushHeaders()
      ;(raw.socket as Socket | null)?.setNoDelay(true) // a plain listener's socket is a TCP socket
      answer.open({
        write: (chunk) => raw.write(chunk),
        queuedBytes: () => raw.writableLength,
        end: () => void raw.end(),
        destroy: () => void raw.destroy(),
        onClose: (listener) => void raw.once('close', listener),
      })
      return reply
    }
  }
}

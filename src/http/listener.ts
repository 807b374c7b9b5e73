import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** The setting that names the port, for the error text. */
  readonly portSetting: string
  readonly headTimeoutMs: number
  readonly maxHeaderBytes: number
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Told of a request that never became one (broken head, too large, too slow); returns the body to answer with. */
  onBadRequest?(status: number, message: string, socket: Socket): string
}

/** A port that is listened at. */
export interface Listener {
  readonly url: string
  readonly port: number
  /** No new connections; idle ones are closed at once, busy ones when their answer is out or the grace is over. */
  close(graceMs: number): Promise<void>
}

/** Node's own HTTP server behind limits: the data plane works on its request and response directly. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createServer(
    {
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headTimeoutMs,
      // The body has its own idle limit; a large upload over a thin line is not an attack.
      requestTimeout: 0,
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: Math.min(5_000, options.headTimeoutMs),
    },
    (request, response) => options.handle(request, response),
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuse(options, error, socket))
  // curl waits a second for this before it sends a large body.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue()
    options.handle(request, response)
  })
  await bind(server, options)
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  const shown = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${shown}:${port}`, port, close: (graceMs) => close(server, graceMs) }
}

function bind(server: Server, options: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)))
    server.listen(options.port, options.host, 4096, resolve)
  })
}

function listenError(error: NodeJS.ErrnoException, { host, port, portSetting }: ListenerOptions): Error {
  const where = `${host}:${port}`
  if (error.code === 'EADDRINUSE')
    return new Error(
      `Port ${port} on ${host} is taken by another program. Stop it, or set ${portSetting} to a free port.`,
      { cause: error },
    )
  if (error.code === 'EACCES')
    return new Error(
      `This user may not listen on ${where}. Ports below 1024 need a right; set ${portSetting} to a higher one.`,
      { cause: error },
    )
  if (error.code === 'EADDRNOTAVAIL')
    return new Error(`This machine has no address ${host}. Set HOST to one of its own, or to 127.0.0.1.`, {
      cause: error,
    })
  return new Error(`Cannot listen on ${where}: ${error.message}`, { cause: error })
}

const clientErrors: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request head is too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request head did not come in time.'],
}

function refuse(options: ListenerOptions, error: NodeJS.ErrnoException, socket: Socket): void {
  // A connection that was reset, or broke off behind a finished answer, has nobody to tell.
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, message] = clientErrors[error.code ?? ''] ?? [400, 'The request is not valid HTTP.']
  const body = options.onBadRequest?.(status, message, socket) ?? ''
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + body)
}

async function close(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { OfficeLink } from '../core/office.ts'
import type { Secret } from '../core/secret.ts'
import { type HttpRequestFinished, metricsContentType, wantsExposition } from '../telemetry/index.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface ProxyRoutesOptions {
  readonly office: OfficeLink
  readonly metricsToken: Secret | undefined
  readonly clock: Clock
  /** Told of each request that is no exchange; exchanges are counted from their records. */
  readonly onFinished: (request: HttpRequestFinished) => void
  readonly dataPlane: Handler
}

/**
 * The proxy's own endpoints before the data plane: `/health`, `/metrics`, `/token-stats`. `/health` in its JSON form
 * depends on nothing at all; the other two ask the office.
 */
export function proxyRoutes(options: ProxyRoutesOptions): Handler {
  const { office, metricsToken, dataPlane } = options
  return (request, response) => {
    const url = request.url ?? '/'
    // Every path of the data plane begins with /v1/ : one comparison for the hot path.
    if (url.startsWith('/v1/')) return dataPlane(request, response)
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    if (!isExchange(request.method, path)) countAtEnd(options, path, request, response)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead) return dataPlane(request, response)
    if (path === '/health') return health(office, metricsToken, request, response)
    if (path === '/metrics') return metrics(office, metricsToken, request, response)
    if (path === '/token-stats')
      return answer(response, request, 'application/json', async () => JSON.stringify(await office.tokenStats()))
    return dataPlane(request, response)
  }
}

const ownPaths: ReadonlySet<string> = new Set(['/health', '/metrics', '/token-stats'])
const probePaths: ReadonlySet<string> = new Set(['/', '/api/hello'])

/** What the data plane records; clients' probes and their own telemetry it answers without a record. */
function isExchange(method: string | undefined, path: string): boolean {
  if (path.startsWith('/api/event_logging/')) return false
  if (method === 'HEAD' && probePaths.has(path)) return false
  return !((method === 'GET' || method === 'HEAD') && ownPaths.has(path))
}

/** Counted when the answer is out or the caller is gone, whichever comes first. */
function countAtEnd(
  { clock, onFinished }: ProxyRoutesOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const startedAt = clock.monotonic()
  response.once('close', () => {
    onFinished({
      route: path,
      method: request.method ?? 'GET',
      status: response.headersSent ? response.statusCode : 499,
      seconds: (clock.monotonic() - startedAt) / 1000,
    })
  })
}

function health(
  office: OfficeLink,
  token: Secret | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.setHeader('vary', 'Accept')
  if (!wantsExposition(request.headers.accept))
    return send(response, request, 200, 'application/json', '{"status":"ok"}')
  const redacted = token !== undefined && !isAuthorized(request, token)
  answer(response, request, metricsContentType, () => office.metricsText({ redacted }))
}

function metrics(
  office: OfficeLink,
  token: Secret | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (token !== undefined && !isAuthorized(request, token)) {
    response.setHeader('www-authenticate', 'Bearer')
    return send(response, request, 401, 'text/plain; charset=utf-8', 'METRICS_TOKEN is set: send it as bearer token.\n')
  }
  answer(response, request, metricsContentType, () => office.metricsText({ redacted: false }))
}

function isAuthorized(request: IncomingMessage, token: Secret): boolean {
  const presented = (request.headers.authorization ?? '').replace(/^bearer /i, '')
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(presented), digest(token.reveal()))
}

function answer(response: ServerResponse, request: IncomingMessage, type: string, make: () => Promise<string>): void {
  make().then(
    (text) => send(response, request, 200, type, text),
    () =>
      send(
        response,
        request,
        503,
        'application/json',
        '{"error":{"code":"unavailable","message":"The ledger or the recorder does not answer at the moment; calls are forwarded all the same."}}',
      ),
  )
}

function send(response: ServerResponse, request: IncomingMessage, status: number, type: string, text: string): void {
  request.resume()
  if (response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

import type { Handler } from './endpoints/endpoint.ts'
import { messagesEndpoint } from './endpoints/messages.ts'
import { passthroughEndpoint } from './endpoints/passthrough.ts'
import { crookedPath, methodNotAllowed, notFound } from './endpoints/refusals.ts'
import type { Gateway } from './gateway.ts'

export type { Handler } from './endpoints/endpoint.ts'
export { type Gateway, InFlight } from './gateway.ts'
export { Router, type RoutingSettings } from './routing/router.ts'
export type { Keyring } from './stages/authenticate.ts'

/** The data plane's routing table: which endpoint takes a call. The query string never matters for it. */
export function createGatewayRouter(gateway: Gateway): Handler {
  const messages = messagesEndpoint(gateway)
  const countTokens = messagesEndpoint(gateway, 'count_tokens')
  const models = passthroughEndpoint(gateway, 'models')
  const passthrough = passthroughEndpoint(gateway)
  const onlyPost = methodNotAllowed(gateway, 'messages', 'POST')
  const nothing = notFound(gateway)
  const crooked = crookedPath(gateway)
  return (request, response) => {
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    if (path === '/v1/messages')
      return request.method === 'POST' ? messages(request, response) : onlyPost(request, response)
    if (path === '/v1/messages/count_tokens')
      return request.method === 'POST' ? countTokens(request, response) : onlyPost(request, response)
    if (path.startsWith('/v1/') && isCrooked(path)) return crooked(request, response)
    if (path === '/v1/models' || path.startsWith('/v1/models/')) return models(request, response)
    if (path.startsWith('/v1/')) return passthrough(request, response)
    // Claude Code's start-up probes: answered here, empty, without a key, never an error.
    if (request.method === 'HEAD' && (path === '/' || path === '/api/hello')) return void response.writeHead(200).end()
    if (path.startsWith('/api/event_logging/')) return dropped(request, response)
    return nothing(request, response)
  }
}

/**
 * Whether a path steps sideways or up (`.`, `..`, also encoded). An upstream that resolves it would be asked, with the
 * gateway's credential, for something outside of the address that the operator gave.
 */
const isCrooked = (path: string): boolean => /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i.test(path)

/** Older clients post their own telemetry here with the API key: taken, dropped, never forwarded, never counted. */
const dropped: Handler = (request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
}

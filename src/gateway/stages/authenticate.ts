import type { IncomingMessage } from 'node:http'
import { type ClientKey, clientKeyPrefix } from '../../core/client-key.ts'
import { GatewayError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import type { Credential } from '../../core/upstream.ts'
import type { Exchange } from '../exchange.ts'

/** The client keys as the data plane sees them: looked up by the key itself, compared as keyed hashes in constant time. */
export interface Keyring {
  /** Whether any key exists; without one, loopback callers need none. */
  readonly isEmpty: boolean
  find(key: string): ClientKey | null
}

/**
 * Finds out who calls and for which domain, and keeps the caller's own provider credential apart from a gateway key.
 *
 * Precedence, also in the README: the gateway key is looked for in `x-signalbox-key`, then in `authorization: Bearer`,
 * then in `x-api-key`; the first value that begins with `sbx_` counts. What is left in `x-api-key`, else in
 * `authorization`, is the caller's own credential.
 */
export function authenticate(exchange: Exchange, keys: Keyring): void {
  const { headers } = exchange.request
  const bearer = bearerOf(headers.authorization)
  const apiKey = single(headers['x-api-key'])
  const ownHeader = single(headers['x-signalbox-key'])
  exchange.domain = domainOf(headers.host)

  const presented = [ownHeader, bearer, apiKey].find((value) => value?.startsWith(clientKeyPrefix)) ?? ownHeader
  if (presented !== null) {
    const key = keys.find(presented)
    if (key === null)
      throw new GatewayError(
        'caller_unauthenticated',
        'This gateway does not know the key. Ask its operator for one (signalbox keys create).',
      )
    const now = exchange.clock.now()
    if (key.revokedAt !== null && key.revokedAt <= now)
      throw new GatewayError('caller_forbidden', `The key ${key.id} was revoked.`)
    if (key.expiresAt !== null && key.expiresAt <= now)
      throw new GatewayError('caller_forbidden', `The key ${key.id} has expired.`)
    exchange.keyId = key.id
    exchange.domain = key.domain
  } else if (!keys.isEmpty) {
    throw new GatewayError(
      'caller_unauthenticated',
      'This gateway needs a key of its own: send it in x-api-key, as bearer, or in x-signalbox-key beside your own credential.',
    )
  } else if (!isLoopback(exchange.request)) {
    throw new GatewayError(
      'caller_unauthenticated',
      'Without configured keys only callers on the same machine are served. Create one with: signalbox keys create --domain NAME',
    )
  }
  exchange.callerCredential = callerCredential(apiKey, bearer)
}

function callerCredential(apiKey: string | null, bearer: string | null): Credential | null {
  const value = own(apiKey) ?? own(bearer)
  if (value === null) return null
  // A login token is never sent as x-api-key, however it came.
  if (value.startsWith('sk-ant-oat')) return { kind: 'oauth', secret: new Secret(value) }
  return { kind: own(apiKey) === null ? 'bearer' : 'api-key', secret: new Secret(value) }
}

const own = (value: string | null): string | null =>
  value === null || value.startsWith(clientKeyPrefix) ? null : value
const single = (value: string | string[] | undefined): string | null => {
  const first = Array.isArray(value) ? value[0] : value
  return first === undefined || first === '' ? null : first
}

function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length < 8) return null
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? single(authorization.slice(7).trim()) : null
}

/** The `Host` header as a domain: no port, lower case, bounded; `unknown` where it is none. */
function domainOf(host: string | undefined): string {
  if (host === undefined) return 'unknown'
  const bare = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '')
  const name = bare.toLowerCase()
  return name.length <= 100 && /^[a-z0-9._:-]+$/.test(name) ? name : 'unknown'
}

function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? ''
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}

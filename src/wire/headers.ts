/**
 * Header lists as Node and undici have them raw: `[name, value, name, value, …]`, case and order as they came.
 * Header names are compared in lower case; values are never touched. Each list is walked once.
 */

/** What is done with a header of this name, where it is not simply passed on. */
type Role = 'hop' | 'connection' | 'ours' | 'content-type' | 'content-encoding' | 'request-id' | 'rate-limit'

/** Hop-by-hop (RFC 9110, section 7.6.1) or about this hop only: never copied in either direction. */
const hopByHop: readonly (readonly [string, Role])[] = [
  ['connection', 'connection'],
  ['keep-alive', 'hop'],
  ['proxy-authenticate', 'hop'],
  ['proxy-authorization', 'hop'],
  ['proxy-connection', 'hop'],
  ['te', 'hop'],
  ['trailer', 'hop'],
  ['transfer-encoding', 'hop'],
  ['upgrade', 'hop'],
]

/** Not copied from a caller to an upstream either: rewritten by us, or a statement about the caller's own network. */
const rolesInRequest: ReadonlyMap<string, Role> = new Map([
  ...hopByHop,
  ['host', 'ours'],
  ['content-length', 'ours'],
  ['expect', 'ours'],
  ['cookie', 'ours'],
  ['forwarded', 'ours'],
  ['accept-encoding', 'ours'],
  ['authorization', 'ours'],
  ['x-api-key', 'ours'],
])

const rolesInAnswer: ReadonlyMap<string, Role> = new Map([
  ...hopByHop,
  ['content-type', 'content-type'],
  ['content-encoding', 'content-encoding'],
  ['request-id', 'request-id'],
  ['retry-after', 'rate-limit'],
])

/** Our own request headers end here, and so do statements of proxies about the caller. */
const isPrivate = (lowerName: string): boolean =>
  lowerName.startsWith('x-signalbox-') || lowerName.startsWith('x-forwarded-')

/** The names a `Connection` header declares hop-by-hop for this message; usually none but `keep-alive` and `close`. */
function declaredIn(connection: string): readonly string[] {
  if (connection === 'keep-alive' || connection === 'close') return []
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  return names.filter((name) => name !== '' && name !== 'keep-alive' && name !== 'close')
}

function without(kept: readonly string[], lowerNames: readonly string[]): string[] {
  return kept.filter((_, at) => !lowerNames.includes((kept[at - (at % 2)] as string).toLowerCase())) // the pair's name
}

/**
 * The caller's end-to-end headers for the upstream. Credentials are left out: the signer sets exactly one. So is
 * `accept-encoding`: we ask for `identity`, because the answer is metered from the bytes that pass.
 */
export function requestHeadersForUpstream(raw: readonly string[]): string[] {
  const kept: string[] = []
  let declared: readonly string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    const value = raw[at + 1] as string
    const lower = name.toLowerCase()
    const role = rolesInRequest.get(lower)
    if (role === 'connection') declared = [...declared, ...declaredIn(value)]
    if (role === undefined && !isPrivate(lower)) kept.push(name, value)
  }
  return declared.length === 0 ? kept : without(kept, declared)
}

/** The head of an upstream's answer. */
export interface AnswerHead {
  /** The end-to-end headers, all of them. */
  readonly headers: string[]
  readonly contentType: string
  readonly contentEncoding: string
  readonly requestId: string | null
  /** Kept on the record as they came: the quota headers are undocumented and drift. Bounded in number and length. */
  readonly rateLimits: Record<string, string> | null
}

const isRateLimit = (lowerName: string): boolean =>
  lowerName.startsWith('anthropic-') && /^anthropic-(ratelimit|priority|fast)-/.test(lowerName)
const rateLimitsLimit = 64

/** One walk over the list: what passes on, and what the record wants to know. */
export function readAnswerHead(raw: readonly string[]): AnswerHead {
  const headers: string[] = []
  let declared: readonly string[] = []
  let contentType = ''
  let contentEncoding = 'identity'
  let requestId: string | null = null
  let rateLimits: Record<string, string> | null = null
  let rateLimitCount = 0
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    const value = raw[at + 1] as string
    const lower = name.toLowerCase()
    const role = rolesInAnswer.get(lower) ?? (isRateLimit(lower) ? 'rate-limit' : undefined)
    if (role === 'hop') continue
    if (role === 'connection') {
      declared = [...declared, ...declaredIn(value)]
      continue
    }
    headers.push(name, value)
    if (role === undefined) continue
    if (role === 'content-type') contentType = value
    else if (role === 'content-encoding') contentEncoding = value.toLowerCase()
    else if (role === 'request-id') requestId ??= value.slice(0, 100)
    else if (rateLimitCount++ < rateLimitsLimit) {
      rateLimits ??= {}
      rateLimits[lower] = value.slice(0, 200)
    }
  }
  return {
    headers: declared.length === 0 ? headers : without(headers, declared),
    contentType,
    contentEncoding,
    requestId,
    rateLimits,
  }
}

/**
 * Header lists as Node and undici have them raw: `[name, value, name, value, …]`, case and order as they came.
 * Header names are compared in lower case; values are never touched.
 */

/** Hop-by-hop (RFC 9110, section 7.6.1) or about this hop only: never copied in either direction. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Not copied from a caller to an upstream: hop-by-hop, rewritten by us, or a statement about the caller's own network. */
const notForwarded = new Set([
  ...hopByHop,
  'host',
  'content-length',
  'expect',
  'cookie',
  'forwarded',
  'accept-encoding',
  'authorization',
  'x-api-key',
])

/** Our own request headers; they end here. */
const ownPrefix = 'x-signalbox-'

const isForwarded = (lowerName: string): boolean =>
  !notForwarded.has(lowerName) && !lowerName.startsWith('x-forwarded-') && !lowerName.startsWith(ownPrefix)

/** The names a `Connection` header declares hop-by-hop for this message; usually none but `keep-alive` and `close`. */
function declaredHopByHop(raw: readonly string[]): ReadonlySet<string> | null {
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() !== 'connection') continue
    const names = (raw[at + 1] ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim())
    const declared = names.filter((name) => name !== '' && name !== 'keep-alive' && name !== 'close')
    if (declared.length > 0) return new Set(declared)
  }
  return null
}

/**
 * The caller's end-to-end headers for the upstream. Credentials are left out: the signer sets exactly one. So is
 * `accept-encoding`: we ask for `identity`, because the answer is metered from the bytes that pass.
 */
export function requestHeadersForUpstream(raw: readonly string[]): string[] {
  const declared = declaredHopByHop(raw)
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    const lower = name.toLowerCase()
    if (!isForwarded(lower) || declared?.has(lower)) continue
    kept.push(name, raw[at + 1] as string)
  }
  return kept
}

/** The upstream's end-to-end headers for the caller, all of them. */
export function responseHeadersForCaller(raw: readonly string[]): string[] {
  const declared = declaredHopByHop(raw)
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    const lower = name.toLowerCase()
    if (hopByHop.has(lower) || declared?.has(lower)) continue
    kept.push(name, raw[at + 1] as string)
  }
  return kept
}

/** The first value of a header in a raw list; `lowerName` in lower case. */
export function headerOf(raw: readonly string[], lowerName: string): string | null {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return raw[at + 1] as string
  }
  return null
}

const rateLimitName = /^(anthropic-ratelimit-|anthropic-priority-|anthropic-fast-|retry-after$)/

/** Kept on the record as they came: the quota headers are undocumented and drift. Bounded in number and length. */
export function rateLimitHeadersOf(raw: readonly string[]): Record<string, string> | null {
  let found: Record<string, string> | null = null
  let count = 0
  for (let at = 0; at + 1 < raw.length && count < 64; at += 2) {
    const name = raw[at] as string // in range by the loop's bound
    // Every name of the family begins with an a or an r; the cheap look keeps the pattern off most headers.
    const first = name.charCodeAt(0) | 0x20
    if (first !== 0x61 && first !== 0x72) continue
    const lower = name.toLowerCase()
    if (!rateLimitName.test(lower)) continue
    found ??= {}
    found[lower] = (raw[at + 1] as string).slice(0, 200)
    count++
  }
  return found
}

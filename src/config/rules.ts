/** Rules that need several settings at once. Each sees a config that is right field by field. */
import { isLoopbackHost } from '../core/may-bind.ts'
import type { Rule } from './load.ts'
import type { Origins } from './origin.ts'
import type { Config } from './schema.ts'

export const rules: readonly Rule<Config>[] = [portsDiffer, upstreamsLeadAway]

function portsDiffer({ http }: Config, origins: Origins): ReturnType<Rule<Config>> {
  if (http.proxyPort === 0 || http.proxyPort !== http.dashboardPort) return []
  // The one that somebody set is the one to change.
  const dashboardWasSet = origins.of(['http', 'dashboardPort']).kind !== 'default'
  const [changed, other] = dashboardWasSet ? ['dashboardPort', 'proxyPort'] : ['proxyPort', 'dashboardPort']
  const text = `is ${http.proxyPort}, the same as http.${other}: each needs a port of its own (by default 3000 and 3001).`
  return [{ path: `http.${changed}`, text }]
}

/** The commonest way to hang a gateway: it calls itself until something gives. */
function upstreamsLeadAway({ http, providers }: Config): ReturnType<Rule<Config>> {
  return Object.entries(providers).flatMap(([name, provider]) => {
    if (typeof provider !== 'object' || !('baseUrl' in provider) || provider.baseUrl === undefined) return []
    if (!pointsAtGateway(provider.baseUrl, http)) return []
    const text = `is ${new URL(provider.baseUrl).origin}, where this gateway itself listens: calls would go round in circles. Name the provider's address instead.`
    return [{ path: `providers.${name}.baseUrl`, text }]
  })
}

/** Whether a URL leads to our own ports, as far as its spelling tells; a detour through DNS is found by the loop header. */
export function pointsAtGateway(
  baseUrl: string,
  { host, proxyPort, dashboardPort }: { host: string; proxyPort: number; dashboardPort: number },
): boolean {
  const url = new URL(baseUrl)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  if (port !== proxyPort && port !== dashboardPort) return false
  const target = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const everywhere = isWildcard(host)
  // Only the kernel knows which loopback address a listener on another one would answer, so all of them count as ours.
  if (isWildcard(target) || isLoopbackHost(target)) return everywhere || isLoopbackHost(host)
  return target === host.toLowerCase()
}

const isWildcard = (host: string): boolean => ['0.0.0.0', '::', '[::]', '*', ''].includes(host)

/** Rules that need several settings at once. Each sees a config that is right field by field. */
import { isLoopbackHost } from '../core/may-bind.ts'
import { configuredProviders } from '../providers/configured.ts'
import { providers as builtIn, customProviders } from '../providers/index.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Rule } from './load.ts'
import type { Origins } from './origin.ts'
import { routesFit } from './routing-rules.ts'
import type { Config } from './schema.ts'

/** What no single setting can know: all are asked once every setting has its shape. */
export const rules: readonly Rule<Config>[] = [
  portsDiffer,
  upstreamsLeadAway,
  defaultIsOffered,
  customProvidersFit,
  routesFit,
]

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
  return configuredProviders(providers).flatMap(({ path, url }) => {
    if (url === null || !pointsAtGateway(url.href, http)) return []
    const text = `is ${url.origin}, where this gateway itself listens: calls would go round in circles. Name the provider's address instead.`
    return [{ path: `${path}.baseUrl`, text }]
  })
}

/** Calls that no route claims must have somewhere to go. The simulated provider is started when it is the default. */
function defaultIsOffered({ providers }: Config): ReturnType<Rule<Config>> {
  const all = configuredProviders(providers)
  const { default: name } = providers
  const found = all.find((one) => one.name === name)
  const names = all.filter(({ missing }) => missing === null).map((one) => one.name)
  if (found === undefined) {
    const near = didYouMean(
      name,
      all.map((one) => one.name),
    )
    const hint = near === undefined ? `Offered are: ${names.join(', ')}.` : `Did you mean ${near}?`
    return [{ path: 'providers.default', text: `is ${JSON.stringify(name)}, which names no provider. ${hint}` }]
  }
  if (found.missing === null || name === 'simulated') return []
  const variable = found.definition.env === null ? '' : ` (${found.definition.env}_API_KEY)`
  const text = `is "${name}", which is not offered: it needs ${found.missing}${variable}.`
  return [{ path: 'providers.default', text }]
}

const customNamePattern = /^[a-z][a-z0-9_-]{0,31}$/
/** They are metric labels, and each has a section on pages. */
const customLimit = 20

/** Names of one's own become labels and stand before the slash of `name/model`. */
function customProvidersFit({ providers }: Config): ReturnType<Rule<Config>> {
  const names = Object.keys(providers.custom)
  const tooMany =
    names.length > customLimit
      ? [{ path: 'providers.custom', text: `has ${names.length} servers; at most ${customLimit} are possible.` }]
      : []
  const wrong = Object.entries(providers.custom).flatMap(([name, { type, dialect }]) => {
    const path = `providers.custom.${name}`
    if (Object.hasOwn(builtIn, name))
      return [
        { path, text: `has the name of a provider that is built in: set providers.${name}, or choose another name.` },
      ]
    if (!customNamePattern.test(name))
      return [
        { path, text: 'must have a name of lower-case letters, digits, - and _, beginning with a letter, at most 32.' },
      ]
    const words = Object.keys(customProviders[type].ways)
    if (dialect === undefined || words.includes(dialect)) return []
    return [
      { path: `${path}.dialect`, text: `is "${dialect}", but a server of type ${type} speaks: ${words.join(', ')}.` },
    ]
  })
  return [...tooMany, ...wrong]
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

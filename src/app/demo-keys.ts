import type { ClientKey } from '../core/client-key.ts'
import { hashClientKey, newClientKey } from './keyring.ts'

/** What generated traffic identifies itself with: a key for each of its domains, known to this instance alone. */
export interface DemoKeys {
  /** For the keyrings of the workers. They are never stored, so they end with the process. */
  readonly keys: readonly ClientKey[]
  /** The header that makes a call one of the domain. */
  headersOf(domain: string): Readonly<Record<string, string>>
}

/** Makes the keys. A database that is shared may have client keys, and then nobody is served without one. */
export function createDemoKeys(domains: readonly string[], pepper: string): DemoKeys {
  const made = domains.map((domain) => ({ domain, ...newClientKey() }))
  const byDomain = new Map(made.map(({ domain, key }) => [domain, key]))
  return {
    keys: made.map(({ id, key, domain }) => {
      const hash = hashClientKey(pepper, key)
      return { id, hash, domain, name: 'generated traffic', expiresAt: null, revokedAt: null }
    }),
    headersOf(domain) {
      const key = byDomain.get(domain)
      return key === undefined ? {} : { 'x-signalbox-key': key }
    },
  }
}

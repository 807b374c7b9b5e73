import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ClientKey } from '../core/client-key.ts'
import { clientKeyPrefix } from '../core/client-key.ts'

/** Hex HMAC-SHA256 of a client key: what is stored and looked up instead of the key. */
export function hashClientKey(pepper: string, key: string): string {
  return createHmac('sha256', pepper).update(key).digest('hex')
}

/** A new client key: the prefix and 256 random bits, and the id that names it in rows and logs. */
export function newClientKey(): { readonly id: string; readonly key: string } {
  return { id: `k_${randomBytes(6).toString('hex')}`, key: clientKeyPrefix + randomBytes(32).toString('base64url') }
}

/**
 * The client keys in memory. A key is found by its keyed hash, so the time a look-up takes says nothing about how much
 * of a guess was right; the comparison after it takes the same time for any two hashes.
 */
export class MemoryKeyring {
  readonly #pepper: string
  readonly #own: ReadonlyMap<string, ClientKey>
  #byHash: ReadonlyMap<string, ClientKey> = new Map()
  /**
   * Keys that were found before, by a plain hash under a salt of this process: a fifth of the work of the keyed one. Only
   * real keys get in, so it is no larger than the list of keys.
   */
  #seen = new Map<string, ClientKey>()
  readonly #salt = randomBytes(32).toString('hex')

  /** `own` are keys of this instance's own traffic; having them closes the gateway to nobody. */
  constructor(pepper: string, own: readonly ClientKey[] = []) {
    this.#pepper = pepper
    this.#own = byHash(own)
  }

  replace(keys: readonly ClientKey[]): void {
    this.#byHash = byHash(keys)
    this.#seen.clear()
  }

  /** A revoked key still counts: revoking the last one must not open the gateway to everybody on the machine. */
  get isEmpty(): boolean {
    return this.#byHash.size === 0
  }

  find(key: string): ClientKey | null {
    const digest = hash('sha256', this.#salt + key, 'base64')
    const seen = this.#seen.get(digest)
    if (seen !== undefined) return seen
    const keyedHash = hashClientKey(this.#pepper, key)
    const found = this.#byHash.get(keyedHash) ?? this.#own.get(keyedHash)
    if (found === undefined || !timingSafeEqual(Buffer.from(found.hash), Buffer.from(keyedHash))) return null
    this.#seen.set(digest, found)
    return found
  }
}

const byHash = (keys: readonly ClientKey[]): ReadonlyMap<string, ClientKey> =>
  new Map(keys.map((key) => [key.hash, key]))

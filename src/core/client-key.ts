/**
 * A key of a caller of this gateway as the data plane knows it. The key itself is shown once at its making; what is kept
 * is `hash` = hex HMAC-SHA256(pepper, key). The pepper lives in the data directory, not in the database, so a copy of the
 * database alone can not be used to test guesses.
 */
export interface ClientKey {
  /** `k_` and twelve hex digits; names the key in logs and rows. */
  readonly id: string
  readonly hash: string
  readonly domain: string
  readonly name: string
  /** Epoch milliseconds; null for never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** Every key of ours starts with it, so that one is told from a provider's key at a glance, and by secret scanners. */
export const clientKeyPrefix = 'sbx_'

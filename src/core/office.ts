/**
 * What the data plane may ask of the office, the process that reads the journal (recorder, metrics, dashboard).
 * In one process it is a function call, with gateway workers it crosses their IPC channel. The gateway answers calls
 * without it: only `/metrics`, the scraped form of `/health` and `/token-stats` need the office.
 */
export interface OfficeLink {
  /** The whole Prometheus exposition, gateway workers included. `redacted` leaves out labels naming accounts and domains. */
  metricsText(form: { redacted: boolean }): Promise<string>
  tokenStats(): Promise<TokenStats>
}

/** Tokens and cost of one group. */
export interface TokenSums {
  readonly input: number
  readonly output: number
  readonly total: number
  readonly cache_read: number
  readonly cache_write_5m: number
  readonly cache_write_1h: number
}

/** The answer of `GET /token-stats` (contract A3). `total` of tokens counts all five buckets. */
export interface TokenStats {
  readonly total_requests: number
  readonly total_tokens: TokenSums
  readonly by_domain: Readonly<Record<string, { readonly requests: number; readonly tokens: TokenSums }>>
}

/** How providers are: what a check said, and what a worker knows of its targets. */

/** The verdict of a check, in bounded words. */
export type CheckStatus =
  | 'ok'
  | 'key_refused'
  | 'no_credit'
  | 'rate_limited'
  | 'wrong_address'
  | 'unreachable'
  | 'timeout'
  | 'failing'

/** One check of one provider by a call that costs no tokens. */
export interface ProviderCheck {
  readonly provider: string
  readonly status: CheckStatus
  /** Null where no answer came. */
  readonly httpStatus: number | null
  readonly latencyMs: number
  /** Epoch milliseconds. */
  readonly checkedAt: number
  /** What is wrong and what to do, in whole sentences; empty where all is well. Holds no secret. */
  readonly advice: string
}

/** A target as one gateway worker knows it. */
export interface PlaceState {
  readonly provider: string
  /** Null for the model that was asked for. */
  readonly model: string | null
  readonly breaker: 'closed' | 'open' | 'half-open'
  /** It asked for a rest (a 429's `retry-after`). */
  readonly resting: boolean
  readonly inUse: number
}

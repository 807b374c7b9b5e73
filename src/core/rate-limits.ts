/**
 * Quota as answers tell it in their headers. The family of subscriptions is undocumented and drifts, so names are read by
 * their pattern: a window that nobody has heard of is a window all the same.
 */

/** A window of a subscription. */
export interface QuotaWindow {
  /** As the header names it: `5h`, `7d`, `7d_opus`, … ; `overage` is paid extra usage. */
  readonly name: string
  /** Share that is spent, 0 to 1; the provider may tell of more than 1. */
  readonly utilization: number
  /** Epoch milliseconds, null where it was not sent. Never computed: windows do not begin on the hour. */
  readonly resetAt: number | null
  /** `allowed`, `allowed_warning`, `rejected`; null where it was not sent. */
  readonly status: string | null
}

/** A token bucket of an API key. */
export interface RateLimit {
  readonly kind: RateLimitKind
  readonly limit: number | null
  readonly remaining: number | null
  /** When it is full again, epoch milliseconds. */
  readonly resetAt: number | null
}

const families = ['ratelimit', 'priority', 'fast'] as const
const measures = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const
type Bucket = 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'

/** Kinds of token buckets, a closed set: `requests`, `input_tokens`, … , `priority_input_tokens`, `fast_tokens`, … */
export type RateLimitKind = Bucket | `${'priority' | 'fast'}_${Bucket}`
export const rateLimitKinds: readonly RateLimitKind[] = families.flatMap((family) =>
  measures.map((measure) => kindOf(family, measure)),
)

export interface RateLimitReading {
  readonly windows: readonly QuotaWindow[]
  readonly limits: readonly RateLimit[]
}

const unified =
  /^anthropic-ratelimit-unified-(?:([a-z0-9_]{1,40})-)?(status|reset|utilization|surpassed-threshold|in-use|disabled-reason)$/
const bucket =
  /^anthropic-(ratelimit|priority|fast)-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)$/

/** Reads the rate-limit headers of one answer; names in lower case. What can not be understood is left out. */
export function readRateLimits(headers: Readonly<Record<string, string>>): RateLimitReading {
  const windows = new Map<string, Map<string, string>>()
  const limits = new Map<RateLimitKind, Map<string, string>>()
  for (const [name, value] of Object.entries(headers)) {
    const [, window, fact] = unified.exec(name) ?? []
    if (window !== undefined && fact !== undefined) note(windows, window, fact, value)
    const [, family, measure, part] = bucket.exec(name) ?? []
    if (family === undefined || measure === undefined || part === undefined) continue
    // Members of these two lists, by the pattern.
    note(limits, kindOf(family as (typeof families)[number], measure as (typeof measures)[number]), part, value)
  }
  return {
    windows: [...windows].flatMap(([name, facts]) => {
      // Only what has a utilization is a window; the others are hints about one.
      const utilization = amount(facts.get('utilization'))
      if (utilization === null) return []
      return { name, utilization, resetAt: instant(facts.get('reset')), status: facts.get('status') ?? null }
    }),
    limits: [...limits].flatMap(([kind, facts]) => {
      const [limit, remaining] = [amount(facts.get('limit')), amount(facts.get('remaining'))]
      if (limit === null && remaining === null) return []
      return { kind, limit, remaining, resetAt: instant(facts.get('reset')) }
    }),
  }
}

function kindOf(family: (typeof families)[number], measure: (typeof measures)[number]): RateLimitKind {
  const name: Bucket =
    measure === 'input-tokens' ? 'input_tokens' : measure === 'output-tokens' ? 'output_tokens' : measure
  return family === 'ratelimit' ? name : `${family}_${name}`
}

function note<Key>(groups: Map<Key, Map<string, string>>, key: Key, fact: string, value: string): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, new Map([[fact, value]]))
  else group.set(fact, value)
}

/** A plain number, not below 0. */
function amount(text: string | undefined): number | null {
  if (text === undefined || !/^\d+(?:\.\d+)?(?:e-?\d+)?$/i.test(text.trim())) return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

/** Epoch seconds, which subscriptions send, or RFC 3339, which API keys get. */
function instant(text: string | undefined): number | null {
  const seconds = amount(text)
  if (seconds !== null) return seconds * 1_000
  const parsed = Date.parse(text ?? '')
  return Number.isNaN(parsed) ? null : parsed
}

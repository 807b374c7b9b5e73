import type { RateLimitsConfig } from './config.ts'
import { ApiFailure } from './failures.ts'

export type LimitsFamily = 'api-key' | 'unified' | 'none'

/** What one call takes from the limits. */
export interface Spent {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
}

interface Bucket {
  level: number
  at: number
}

interface Account {
  readonly buckets: Map<string, Bucket>
  readonly windows: Map<WindowName, { used: number; resetsAt: number }>
}

type WindowName = '5h' | '7d'
const windowMs: Readonly<Record<WindowName, number>> = { '5h': 5 * 3_600_000, '7d': 7 * 86_400_000 }
const claimOf: Readonly<Record<WindowName, string>> = { '5h': 'five_hour', '7d': 'seven_day' }
const resetGridMs = 600_000 // observed: resets lie on a 10-minute grid
const warnAbove = 0.75
const maxAccounts = 1_000

/**
 * The limits of the provider's accounts and the headers that announce them. API keys have token buckets that refill
 * over a minute, per model family; subscription logins have windows of five hours and seven days.
 * The unified family is undocumented; its format is the observed one.
 */
export class RateLimits {
  readonly #accounts = new Map<string, Account>()
  readonly #config: RateLimitsConfig

  constructor(config: RateLimitsConfig) {
    this.#config = config
  }

  /**
   * Books a call and gives its headers.
   * @throws ApiFailure 429 with retry-after when limits are enforced and used up.
   */
  spend(call: {
    account: string
    modelFamily: string
    family: LimitsFamily
    spent: Spent
    utilization: number | undefined
    now: number
  }): Record<string, string> {
    if (call.family === 'none') return {}
    const account = this.#account(call.account)
    return call.family === 'unified'
      ? this.#unified(account, call.spent, call.utilization, call.now)
      : this.#buckets(account, call.modelFamily, call.spent, call.now)
  }

  #account(name: string): Account {
    const known = this.#accounts.get(name)
    if (known !== undefined) return known
    if (this.#accounts.size >= maxAccounts) {
      for (const oldest of this.#accounts.keys()) {
        this.#accounts.delete(oldest)
        break
      }
    }
    const account: Account = { buckets: new Map(), windows: new Map() }
    this.#accounts.set(name, account)
    return account
  }

  #buckets(account: Account, modelFamily: string, spent: Spent, now: number): Record<string, string> {
    const { requestsPerMinute, inputTokensPerMinute, outputTokensPerMinute, enforce } = this.#config
    const rows = [
      { name: 'requests', limit: requestsPerMinute, take: 1, grain: 1 },
      { name: 'input-tokens', limit: inputTokensPerMinute, take: spent.input, grain: 1_000 },
      { name: 'output-tokens', limit: outputTokensPerMinute, take: spent.output, grain: 1_000 },
      {
        name: 'tokens',
        limit: inputTokensPerMinute + outputTokensPerMinute,
        take: spent.input + spent.output,
        grain: 1_000,
      },
    ]
    const headers: Record<string, string> = {}
    for (const { name, limit, take, grain } of rows) {
      const key = `${modelFamily} ${name}`
      const bucket = account.buckets.get(key) ?? { level: limit, at: now }
      const level = Math.min(limit, bucket.level + ((now - bucket.at) / 60_000) * limit)
      if (enforce && level < Math.min(take, limit)) {
        const seconds = Math.max(1, Math.ceil(((Math.min(take, limit) - level) / limit) * 60))
        throw new ApiFailure(
          'rate_limit_error',
          `This request would exceed your organization's rate limit of ${limit} ${name.replace('-', ' ')} per minute.`,
          { retryAfter: String(seconds) },
        )
      }
      bucket.level = Math.max(0, level - take)
      bucket.at = now
      account.buckets.set(key, bucket)
      const fullAt = now + ((limit - bucket.level) / limit) * 60_000
      headers[`anthropic-ratelimit-${name}-limit`] = String(limit)
      headers[`anthropic-ratelimit-${name}-remaining`] = String(Math.round(bucket.level / grain) * grain)
      headers[`anthropic-ratelimit-${name}-reset`] = `${new Date(Math.ceil(fullAt)).toISOString().slice(0, 19)}Z`
    }
    return headers
  }

  #unified(account: Account, spent: Spent, forced: number | undefined, now: number): Record<string, string> {
    const weight = spent.input + spent.cacheRead / 10 + spent.output * 5
    const states = (['5h', '7d'] as const).map((name) => {
      const capacity = name === '5h' ? this.#config.fiveHourTokens : this.#config.sevenDayTokens
      let window = account.windows.get(name)
      if (window === undefined || window.resetsAt <= now) {
        window = { used: 0, resetsAt: Math.ceil((now + windowMs[name]) / resetGridMs) * resetGridMs }
        account.windows.set(name, window)
      }
      window.used = Math.min(capacity, window.used + weight)
      const utilization = name === '5h' && forced !== undefined ? forced : window.used / capacity
      return { name, utilization, reset: Math.floor(window.resetsAt / 1000), status: statusOf(utilization) }
    })
    const [worst = states[0]] = [...states].sort((a, b) => b.utilization - a.utilization)
    if (worst === undefined) return {}
    const headers = unifiedHeaders(states, worst)
    if (worst.status === 'rejected' && (this.#config.enforce || forced !== undefined)) {
      throw new ApiFailure(
        'rate_limit_error',
        "This request would exceed your account's rate limit. Please try again later.",
        {
          retryAfter: String(Math.max(1, worst.reset - Math.floor(now / 1000))),
          headers,
        },
      )
    }
    return headers
  }
}

interface WindowState {
  readonly name: WindowName
  readonly utilization: number
  readonly reset: number
  readonly status: string
}

function statusOf(utilization: number): string {
  if (utilization >= 1) return 'rejected'
  return utilization > warnAbove ? 'allowed_warning' : 'allowed'
}

function unifiedHeaders(states: readonly WindowState[], worst: WindowState): Record<string, string> {
  const prefix = 'anthropic-ratelimit-unified'
  const headers: Record<string, string> = {
    [`${prefix}-status`]: worst.status,
    [`${prefix}-reset`]: String(worst.reset),
    [`${prefix}-representative-claim`]: claimOf[worst.name],
    [`${prefix}-fallback-percentage`]: '0.5',
    [`${prefix}-overage-status`]: 'rejected',
    [`${prefix}-overage-disabled-reason`]: 'org_level_disabled',
  }
  for (const state of states) {
    headers[`${prefix}-${state.name}-status`] = state.status
    headers[`${prefix}-${state.name}-reset`] = String(state.reset)
    headers[`${prefix}-${state.name}-utilization`] = String(Math.round(state.utilization * 100) / 100)
    if (state.utilization > warnAbove) headers[`${prefix}-${state.name}-surpassed-threshold`] = String(warnAbove)
  }
  return headers
}

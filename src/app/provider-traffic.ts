import type { ErrorType } from '../core/errors.ts'
import type { ExchangeClosed, ExchangeObserver } from '../core/exchange.ts'

/** Calls of one target that are remembered. */
const callsKept = 100
/** Models are named by callers: beyond this the target that was idle for longest is forgotten. */
const targetsLimit = 200

interface Call {
  readonly failed: boolean
  readonly upstreamMs: number | null
}

interface Target {
  readonly provider: string
  readonly model: string
  readonly calls: Call[]
  lastAt: number
  lastError: { readonly type: ErrorType; readonly at: number } | null
}

/** What the last calls of a target show. */
export interface TargetTraffic {
  readonly provider: string
  readonly model: string
  readonly calls: number
  /** Failures that are the provider's, of those calls. */
  readonly failures: number
  readonly medianMs: number | null
  readonly lastAt: number
  readonly lastError: { readonly type: ErrorType; readonly at: number } | null
}

/** How providers do by the calls that went to them; callers' mistakes and callers who left say nothing about one. */
export class ProviderTraffic implements ExchangeObserver {
  readonly #targets = new Map<string, Target>()

  exchangeOpened(): void {}

  exchangeClosed(exchange: ExchangeClosed): void {
    const { provider, outcome, errorType } = exchange
    if (provider === null || (exchange.upstreamStatus === null && outcome !== 'provider_error')) return
    const failed = outcome === 'provider_error' && errorType !== 'provider_rejected'
    if (!failed && outcome !== 'ok' && outcome !== 'provider_error') return
    const model = (exchange.model ?? exchange.requestedModel ?? '').slice(0, 100)
    const key = `${provider}\n${model}`
    const target = this.#targets.get(key) ?? { provider, model, calls: [], lastAt: 0, lastError: null }
    // Moved to the end: maps keep the order of insertion.
    this.#targets.delete(key)
    this.#targets.set(key, target)
    target.calls.push({ failed, upstreamMs: exchange.upstreamMs })
    if (target.calls.length > callsKept) target.calls.shift()
    target.lastAt = exchange.closedAt
    if (failed && errorType !== null) target.lastError = { type: errorType, at: exchange.closedAt }
    if (this.#targets.size <= targetsLimit) return
    const [oldest] = this.#targets.keys()
    if (oldest !== undefined) this.#targets.delete(oldest)
  }

  targets(): readonly TargetTraffic[] {
    return [...this.#targets.values()].map(({ calls, ...target }) => ({
      ...target,
      calls: calls.length,
      failures: calls.filter(({ failed }) => failed).length,
      medianMs: median(calls.flatMap(({ failed, upstreamMs }) => (failed || upstreamMs === null ? [] : [upstreamMs]))),
    }))
  }
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

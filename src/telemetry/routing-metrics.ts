import type { RecordedExchange } from '../core/exchange.ts'
import type { tryReasons } from './catalogue/row.ts'
import type { MetricLabels } from './metric-labels.ts'
import type { MetricRegistry } from './metric-registry.ts'

type TryReason = (typeof tryReasons)[number]

/** One target that did not answer. */
interface Tried {
  readonly target: string
  readonly reason: TryReason
}

/** Counts tries again, failovers, sessions that moved and what translations left out, from the record of a routing. */
export function routingMetrics(registry: MetricRegistry, labels: MetricLabels): (exchange: RecordedExchange) => void {
  const retries = registry.counter('signalbox_retries_total')
  const fallbacks = registry.counter('signalbox_fallbacks_total')
  const moves = registry.counter('signalbox_session_moves_total')
  const notes = registry.counter('signalbox_translation_notes_total')
  const providerOf = (target: string): string => labels.provider(target.slice(0, target.indexOf('/')))
  return ({ routing, attempts, provider }) => {
    if (routing === null) return
    const tried = routing.tried.flatMap((word) => triedOf(word) ?? [])
    for (const [at, { target, reason }] of tried.entries()) {
      const next = tried[at + 1]?.target ?? answeredBy(tried, attempts, routing.target)
      if (next === null) continue
      const from = providerOf(target)
      if (next === target) retries.child({ provider: from, reason }).add(1)
      else fallbacks.child({ from, to: providerOf(next), reason }).add(1)
    }
    if (routing.movedFrom !== null && routing.target !== null)
      moves.child({ from: providerOf(routing.movedFrom), to: providerOf(routing.target) }).add(1)
    for (const note of routing.notes)
      notes.child({ provider: labels.provider(provider), note: labels.note(note) }).add(1)
  }
}

const passedOver: ReadonlySet<TryReason> = new Set(['circuit_open', 'resting', 'full'])

/** The target of the last try, if it is not one of those that failed: where all failed, each try is among them. */
function answeredBy(tried: readonly Tried[], attempts: number, target: string | null): string | null {
  const failures = tried.filter(({ reason }) => !passedOver.has(reason)).length
  return failures < attempts ? target : null
}

/** `provider/model:reason`; models have colons of their own. Other words (`retry_budget_spent`) are no targets. */
function triedOf(word: string): Tried | null {
  const at = word.lastIndexOf(':')
  return at < 0 ? null : { target: word.slice(0, at), reason: reasonOf(word.slice(at + 1)) }
}

function reasonOf(word: string): TryReason {
  return reasons.get(word) ?? (/^5\d\d$/.test(word) ? 'server_error' : 'other')
}

/** Statuses, failures of the connection and error types, as the gateway notes them. */
const reasons: ReadonlyMap<string, TryReason> = new Map([
  ['circuit_open', 'circuit_open'],
  ['resting', 'resting'],
  ['full', 'full'],
  ['429', 'rate_limit'],
  ['provider_rate_limited', 'rate_limit'],
  ['provider_quota_exhausted', 'rate_limit'],
  ['connect', 'connection'],
  ['provider_unreachable', 'connection'],
  ['headers_timeout', 'timeout'],
  ['idle_timeout', 'timeout'],
  ['provider_timeout', 'timeout'],
  ['provider_overloaded', 'server_error'],
  ['provider_server_error', 'server_error'],
  ['provider_stream_error', 'server_error'],
  ['cut', 'bad_answer'],
  ['bad_response', 'bad_answer'],
  ['provider_bad_response', 'bad_answer'],
])

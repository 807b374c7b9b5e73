import type { Directives } from './directives.ts'
import type { Random } from './random.ts'

const failureNames = [
  'error',
  'status',
  'cut',
  'reset',
  'end',
  'stall',
  'stall-ms',
  'after-events',
  'after-bytes',
] as const

/** A failure drawn by lot, in about the shares a busy day shows: mostly overload and limits, some broken streams. */
export function failureByChance(random: Random): Directives {
  const draw = random.next()
  if (draw < 0.4) return { error: 'overloaded_error' }
  if (draw < 0.6) return { error: 'rate_limit_error', 'retry-after': String(random.integer(1, 20)) }
  if (draw < 0.75) return { error: 'api_error' }
  if (draw < 0.88) return { error: 'overloaded_error', 'after-events': random.integer(3, 12) }
  return { cut: true, 'after-events': random.integer(2, 20) }
}

/** True when directives ask for any failure. */
export function asksForFailure(directives: Directives): boolean {
  return failureNames.some((name) => directives[name] !== undefined)
}

export function withoutFailure(directives: Directives): Directives {
  return Object.fromEntries(
    Object.entries(directives).filter(([name]) => !failureNames.some((known) => known === name)),
  )
}

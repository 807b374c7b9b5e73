/** From the answers of the API to what the tiles say. Pure. */
import type { Stats } from '../../../../src/contract/stats.ts'
import type { Timeline } from '../../../../src/contract/timeline.ts'
import { change, count, duration, money, percent } from '../../format.ts'

export interface Tile {
  readonly name: string
  /** Null where there is nothing to tell. */
  readonly text: string | null
  /** Against the period before, in the unit that suits the figure. */
  readonly change: string | null
  /** Whether the change is good news; null where it is neither. */
  readonly better: boolean | null
  readonly values: readonly (number | null)[]
  readonly tone: 'series' | 'danger'
}

/** A healthy record is complete to the minute that runs; two more leave room for a browser's clock. */
const behindMs = 3 * 60_000

/** Up to when the figures are whole, where that is worth a word; epoch milliseconds. */
export function behindSince({ to, complete_to: completeTo }: Pick<Stats, 'to' | 'complete_to'>): number | null {
  if (completeTo === null) return null
  const at = Date.parse(completeTo)
  return Date.parse(to) - at > behindMs ? at : null
}

export function tilesOf(now: Stats, before: Stats, timeline: Timeline | undefined): readonly Tile[] {
  // A step that has just begun would let every line end in a fall.
  const points = wholePoints(timeline)
  const values = (pick: (point: Timeline['points'][number]) => number | null) => points.map(pick)
  const tile = (
    name: string,
    [value, previous]: readonly [number | null, number | null],
    write: (value: number) => string,
    goodWhen: 'more' | 'less' | null,
    line: Tile['values'],
    tone: Tile['tone'] = 'series',
  ): Tile => {
    const changed = value === null || previous === null ? 0 : value - previous
    const better = goodWhen === null || changed === 0 ? null : changed > 0 === (goodWhen === 'more')
    return {
      name,
      text: value === null ? null : write(value),
      change: change(value, previous),
      better,
      values: line,
      tone,
    }
  }
  return [
    tile(
      'Requests a minute',
      [now.requests_per_minute, before.requests_per_minute],
      rate,
      null,
      values((point) => point.requests),
    ),
    tile(
      'Errors',
      [now.error_rate, before.error_rate],
      percent,
      'less',
      values((point) => (point.requests === 0 ? null : point.errors / point.requests)),
      'danger',
    ),
    tile(
      'First token, p95',
      [now.ttft_ms.p95, before.ttft_ms.p95],
      duration,
      'less',
      values((point) => point.ttft_p95_ms),
    ),
    tile(
      'Total time, p95',
      [now.response_time_ms.p95, before.response_time_ms.p95],
      duration,
      'less',
      values((point) => point.response_time_p95_ms),
    ),
    tile(
      'Spend',
      [now.cost_usd, before.cost_usd],
      money,
      null,
      values((point) => point.cost_usd),
    ),
    tile(
      'Cache hits',
      [now.cache_hit_ratio, before.cache_hit_ratio],
      percent,
      'more',
      values((point) => point.cache_hit_ratio),
    ),
  ]
}

/** The last step has begun and is not over: its count is lower only because it is younger. */
export function isLastPartial({ to, step_seconds: step, points }: Timeline): boolean {
  const last = points.at(-1)
  return last !== undefined && Date.parse(to) - Date.parse(last.at) <= step * 1000
}

function wholePoints(timeline: Timeline | undefined): Timeline['points'] {
  if (timeline === undefined) return []
  return isLastPartial(timeline) ? timeline.points.slice(0, -1) : timeline.points
}

export const rate = (perMinute: number): string =>
  perMinute < 10 ? perMinute.toFixed(perMinute < 1 ? 2 : 1).replace(/\.?0+$/, '') || '0' : count(Math.round(perMinute))

export interface Verdict {
  readonly aspect: 'clear' | 'caution' | 'danger' | 'off'
  readonly text: string
}

/** The lines of the shipped alert rules: errors over 5 %, p95 over ten seconds. */
const errorLine = 0.05
const slowLineMs = 10_000

/** One sentence that answers "is anything wrong now?". */
export function verdictOf(stats: Stats): Verdict {
  const { error_rate: errorRate, response_time_ms: time, errors_by_type: errors } = stats
  if (stats.total_requests === 0) return { aspect: 'off', text: 'No calls in this range.' }
  const calls = `${count(stats.total_requests)} ${stats.total_requests === 1 ? 'call' : 'calls'}`
  if (errorRate !== null && errorRate > errorLine) {
    const [worst] = errors
    return {
      aspect: 'danger',
      text: `${percent(errorRate)} of ${calls} failed${worst ? `, most with ${worst.error_type}` : ''}.`,
    }
  }
  if (time.p95 !== null && time.p95 > slowLineMs)
    return {
      aspect: 'caution',
      text: `Slow: one call in twenty takes longer than ${duration(time.p95)}. ${calls}, ${percent(errorRate ?? 0)} failed.`,
    }
  return {
    aspect: 'clear',
    text: `Clear. ${calls}, ${stats.failed_requests === 0 ? 'none' : percent(errorRate ?? 0)} failed.`,
  }
}

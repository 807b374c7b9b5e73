import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retentionSchema } from '../config.ts'
import { heldSince } from '../retention.ts'
import type { Sql } from '../sql.ts'
import { coverRange } from './rollup-range.ts'
import { timeline } from './timeline.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const now = Date.UTC(2026, 10, 23, 12, 34, 56)

test('no figure is made of sums that may have been dropped, and the range grows by as little as that takes', () => {
  const anyHeld = fc.record({
    minute: fc.integer({ min: now - 60 * dayMs, max: now }),
    hour: fc.integer({ min: now - 400 * dayMs, max: now - 60 * dayMs }),
  })
  fc.assert(
    fc.property(
      anyHeld,
      fc.integer({ min: now - 800 * dayMs, max: now }),
      fc.integer({ min: 1, max: 900 * dayMs }),
      (held, from, length) => {
        const to = Math.min(from + length, now + 1)
        const spans = coverRange(from, to, held)
        for (const { tier, from: start } of spans) {
          if (tier.name === 'minute') expect(start).toBeGreaterThanOrEqual(held.minute)
          if (tier.name === 'hour') expect(start).toBeGreaterThanOrEqual(held.hour)
        }
        const [first, last] = [spans[0], spans.at(-1)]
        const edge = (at: number) => (at < held.hour + dayMs ? dayMs : at < held.minute + hourMs ? hourMs : minuteMs)
        expect(first?.from).toBeLessThanOrEqual(from)
        expect(from - (first?.from ?? 0)).toBeLessThan(edge(from))
        expect(last?.to).toBeGreaterThanOrEqual(to)
        expect((last?.to ?? 0) - to).toBeLessThan(edge(to))
        spans.slice(1).forEach((span, index) => void expect(span.from).toBe(spans[index]?.to))
      },
    ),
    { numRuns: 500 },
  )
})

test('what is held follows from the settings', () => {
  expect(heldSince(retentionSchema.parse({}), now)).toEqual({ minute: now - 35 * dayMs, hour: now - 400 * dayMs })
  const forGood = heldSince(retentionSchema.parse({ minuteDays: 0, hourDays: 0 }), now)
  expect(forGood).toEqual({ minute: Number.NEGATIVE_INFINITY, hour: Number.NEGATIVE_INFINITY })
})

test('a timeline of the past has the steps that are still there, and says so', async () => {
  const nothing: Sql = { query: async () => [] }
  const held = heldSince(retentionSchema.parse({}), now)
  const ask = (daysAgo: number, stepMs: number) => {
    const from = now - daysAgo * dayMs
    return timeline(nothing, { from, to: from + hourMs, domain: null, stepMs }, held)
  }
  expect(await ask(1, minuteMs)).toMatchObject({ stepMs: minuteMs, source: 'rollup_minute' })
  const past = await ask(36, 5 * minuteMs)
  expect(past).toMatchObject({ stepMs: hourMs, source: 'rollup_hour' })
  expect([past.from % hourMs, past.to % hourMs]).toEqual([0, 0])
  expect(await ask(401, 5 * minuteMs)).toMatchObject({ stepMs: dayMs, source: 'rollup_day' })
  expect(await ask(401, 2 * hourMs)).toMatchObject({ stepMs: dayMs, source: 'rollup_day' })
  expect(await ask(399, 2 * hourMs)).toMatchObject({ stepMs: 2 * hourMs, source: 'rollup_hour' })
})

import { expect, test } from 'vitest'
import { factsOf, linePath, niceMaximum, placesOf, runsOf, tickIndexes } from './scale.ts'

test('an axis ends at a round number that holds the largest value', () => {
  expect([0, 0.7, 1, 12, 13, 99, 1_050].map(niceMaximum)).toEqual([1, 0.8, 1, 12, 16, 100, 1_200])
})

test('a missing value breaks the line and a zero does not', () => {
  const places = placesOf([1, 0, null, 2], 2, { width: 30, height: 10 })
  const runs = runsOf(places)
  expect(runs.map(linePath)).toEqual(['M0 5L10 10', 'M30 0'])
})

test('one value stands in the middle', () => {
  expect(placesOf([1], 2, { width: 30, height: 10 })).toEqual([{ x: 15, y: 5 }])
})

test('the summary knows last, least, most and trend, and nothing of nothing', () => {
  expect(factsOf([1, 1, null, 4, 5])).toEqual({ last: 5, least: 1, most: 5, trend: 'rising' })
  expect(factsOf([5, 5, 5, 5])).toMatchObject({ trend: 'steady' })
  expect(factsOf([null])).toBeNull()
})

test('labels stand on round times and are no more than asked for', () => {
  const start = Date.UTC(2026, 8, 1, 12, 3)
  const times = Array.from({ length: 60 }, (_, minute) => start + minute * 60_000)
  const minutes = tickIndexes(times, 6).map((index) => new Date(times[index] ?? 0).getUTCMinutes())
  expect(minutes.length).toBeLessThanOrEqual(6)
  expect(minutes.every((minute) => minute % 10 === 0)).toBe(true)
})

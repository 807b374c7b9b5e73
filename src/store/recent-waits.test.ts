import { expect, test } from 'vitest'
import { createRecentWaits } from './recent-waits.ts'

test('nineteen of twenty statements waited no longer', () => {
  const waits = createRecentWaits()
  expect(waits.p95Ms()).toBeNull()
  for (let ms = 1; ms <= 100; ms++) waits.add(ms)
  expect(waits.p95Ms()).toBe(95)
})

test('what is long ago is forgotten', () => {
  const waits = createRecentWaits()
  for (let turn = 0; turn < 500; turn++) waits.add(1_000)
  for (let turn = 0; turn < 500; turn++) waits.add(1)
  expect(waits.p95Ms()).toBe(1)
})

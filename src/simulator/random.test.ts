import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

const draw = (seed: string, count: number): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.next())
}

test('the same seed gives the same numbers, another seed others', () => {
  expect(draw('a', 50)).toEqual(draw('a', 50))
  expect(draw('a', 50)).not.toEqual(draw('b', 50))
})

test('numbers are spread evenly over [0, 1)', () => {
  const numbers = draw('even', 10_000)
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  expect(mean).toBeGreaterThan(0.48)
  expect(mean).toBeLessThan(0.52)
})

test('a lognormal distribution has its median and its spread', () => {
  const random = createRandom('lognormal')
  const sorted = Array.from({ length: 10_001 }, () => random.logNormal({ median: 450, sigma: 0.5 })).sort(
    (a, b) => a - b,
  )
  expect(sorted[5_000]).toBeGreaterThan(430)
  expect(sorted[5_000]).toBeLessThan(470)
  // One sigma above the median lies e^0.5 higher, at rank 84.1 %.
  expect(sorted[8_413]).toBeGreaterThan(700)
  expect(sorted[8_413]).toBeLessThan(790)
  expect(random.logNormal({ median: 12, sigma: 0 })).toBe(12)
})

test('identifiers have their shape', () => {
  const random = createRandom('ids')
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(random.base58(22)).toMatch(/^[1-9A-HJ-NP-Za-km-z]{22}$/)
})

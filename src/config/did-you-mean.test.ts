import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didYouMean, editDistance } from './did-you-mean.ts'

test('counts inserts, drops, replacements and swaps', () => {
  expect(editDistance('port', 'port')).toBe(0)
  expect(editDistance('port', 'prt')).toBe(1)
  expect(editDistance('port', 'prot')).toBe(1)
  expect(editDistance('port', 'portal')).toBe(2)
  expect(editDistance('', 'abc')).toBe(3)
})

test('is the same in both directions and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b)
      expect(distance).toBe(editDistance(b, a))
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
      expect(distance === 0).toBe(a === b)
    }),
  )
})

test('suggests the nearest word, and nothing far off', () => {
  const known = ['proxyPort', 'dashboardPort', 'host']
  expect(didYouMean('dashbordPort', known)).toBe('dashboardPort')
  expect(didYouMean('proxy_port', known)).toBe('proxyPort')
  expect(didYouMean('hots', known)).toBe('host')
  expect(didYouMean('zebra', known)).toBeUndefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toUsage } from './usage.ts'

test('uncached input is `promptTokenCount` − read + `toolUsePromptTokenCount`; cache read is inside the prompt', () => {
  const told = toUsage({
    promptTokenCount: 100,
    cachedContentTokenCount: 80,
    toolUsePromptTokenCount: 5,
    candidatesTokenCount: 7,
    totalTokenCount: 112,
  })
  expect(told).toEqual({ tokens: { inputTokens: 25, cacheReadTokens: 80, outputTokens: 7 }, disagrees: false })
})

test('output is `candidatesTokenCount` + `thoughtsTokenCount` (separate; candidates may be absent)', () => {
  expect(
    toUsage({ promptTokenCount: 29, candidatesTokenCount: 15, thoughtsTokenCount: 804, totalTokenCount: 848 }),
  ).toEqual({
    tokens: { inputTokens: 29, cacheReadTokens: 0, outputTokens: 819, thinkingTokens: 804 },
    disagrees: false,
  })
  expect(toUsage({ promptTokenCount: 29, thoughtsTokenCount: 4 })?.tokens).toMatchObject({
    outputTokens: 4,
    thinkingTokens: 4,
  })
})

test('Guard: another total is counted; no bucket is negative', () => {
  expect(toUsage({ promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 99 })?.disagrees).toBe(true)
  expect(toUsage({ promptTokenCount: 10, cachedContentTokenCount: 50 })?.tokens.inputTokens).toBe(0)
})

test('nothing told is null; nonsense is nothing', () => {
  expect(toUsage({})).toBeNull()
  expect(toUsage({ promptTokenCount: 'x', candidatesTokenCount: -1, thoughtsTokenCount: null })).toBeNull()
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('promptTokenCount', 'cachedContentTokenCount', 'candidatesTokenCount'),
        fc.anything(),
      ),
      (usage) => {
        for (const count of Object.values(toUsage(usage)?.tokens ?? {}))
          expect(Number.isInteger(count) && count >= 0).toBe(true)
      },
    ),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Priceable, type PriceRow, perToken, perUnit, priceBy } from './pricing.ts'
import { noUsage, type Usage } from './usage.ts'

const buckets = (input: number, output: number, read: number, write5m: number, write1h: number) => ({
  input: perToken(input),
  output: perToken(output),
  cacheRead: perToken(read),
  cacheWrite5m: perToken(write5m),
  cacheWrite1h: perToken(write1h),
})

const row: PriceRow = {
  source: 'genai-prices',
  prices: buckets(3, 15, 0.3, 3.75, 6),
  longPrompt: [{ above: 200_000, prices: buckets(6, 22.5, 0.6, 7.5, 12) }],
  fast: buckets(30, 150, 3, 37.5, 60),
  webSearch: perUnit(10),
  request: 0n,
  geo: { us: { times: 11n, per: 10n } },
  serviceTier: { batch: { times: 1n, per: 2n } },
}

const exchange = (usage: Partial<Usage>, rest: Partial<Priceable> = {}): Priceable => ({
  usage: { ...noUsage, ...usage },
  usageSource: 'reported',
  serverToolUse: null,
  serviceTier: null,
  speed: null,
  inferenceGeo: null,
  ...rest,
})

describe('priceBy', () => {
  test('gives every bucket its own price', () => {
    const usage = {
      input: 1_000,
      output: 500,
      cacheRead: 20_000,
      cacheWrite5m: 2_000,
      cacheWrite1h: 400,
      reasoning: 300,
    }
    // 0.003 + 0.0075 + 0.006 + 0.0075 + 0.0024; reasoning is inside output.
    expect(priceBy(row, exchange(usage))).toMatchObject({ costUsd: 0.0264, priceSource: 'genai-prices' })
  })

  test.each([
    [199_999, 0.599997],
    [200_000, 0.6],
    [200_001, 1.200006],
  ])('reprices the whole request when the prompt passes the threshold: %i tokens', (input, costUsd) => {
    expect(priceBy(row, exchange({ input })).costUsd).toBe(costUsd)
  })

  test('holds all four prompt buckets against the threshold, and output never', () => {
    const prompt = { input: 1, cacheRead: 199_998, cacheWrite5m: 1, output: 100_000 }
    expect(priceBy(row, exchange(prompt)).costUsd).toBe(1.56000615)
    expect(priceBy(row, exchange({ ...prompt, cacheWrite1h: 1 })).costUsd).toBe(2.3700243)
  })

  test('multiplies tokens by place and tier, and adds searches after the factors', () => {
    const rest: Partial<Priceable> = {
      inferenceGeo: 'us',
      serviceTier: 'batch',
      serverToolUse: { webSearchRequests: 3, webFetchRequests: 9 },
    }
    // 3 × 1.1 × 0.5 + 3 × 0.01
    expect(priceBy(row, exchange({ input: 100_000 }, rest)).costUsd).toBe(0.3 * 0.55 + 0.03)
  })

  test('takes the fast price set where the answer was fast', () => {
    expect(priceBy(row, exchange({ input: 1_000_000, output: 1 }, { speed: 'fast' })).costUsd).toBe(30.00015)
    expect(priceBy({ ...row, fast: null }, exchange({ input: 1_000 }, { speed: 'fast' })).costUsd).toBe(0.003)
  })

  test('ignores places, tiers and speeds it has no factor for, even names of object properties', () => {
    const rest = { inferenceGeo: 'constructor', serviceTier: '__proto__', speed: 'standard' }
    expect(priceBy(row, exchange({ input: 1_000 }, rest)).costUsd).toBe(0.003)
  })

  test('rounds once, half up, to nanodollars', () => {
    const cheap = { ...row, prices: { ...row.prices, input: 499n, output: 1n } }
    expect(priceBy(cheap, exchange({ input: 1 })).costUsd).toBe(0)
    expect(priceBy(cheap, exchange({ input: 1, output: 1 })).costUsd).toBe(0.000_000_001)
  })

  test('says none where nothing was used, and free only where a row of zeros says so', () => {
    const zero = { ...row, prices: buckets(0, 0, 0, 0, 0), longPrompt: [] }
    expect(priceBy(row, exchange({}))).toEqual({ costUsd: 0, priceSource: 'none' })
    expect(priceBy(row, exchange({ input: 5 }, { usageSource: 'none' }))).toEqual({ costUsd: 0, priceSource: 'none' })
    expect(priceBy(zero, exchange({ input: 5 }))).toMatchObject({ costUsd: 0, priceSource: 'free' })
  })

  test('never differs from the exact sum by more than half a nanodollar', () => {
    const tokens = fc.integer({ min: 0, max: 2_000_000 })
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, tokens, (input, output, cacheRead, cacheWrite5m, cacheWrite1h) => {
        const usage = { input, output, cacheRead, cacheWrite5m, cacheWrite1h }
        const flat = { ...row, longPrompt: [] }
        const exact = BigInt(
          input * 3_000_000 +
            output * 15_000_000 +
            cacheRead * 300_000 +
            cacheWrite5m * 3_750_000 +
            cacheWrite1h * 6_000_000,
        )
        const nanos = BigInt(Math.round(priceBy(flat, exchange(usage)).costUsd * 1e9))
        const distance = nanos * 1000n - exact
        expect(distance <= 500n && distance >= -500n).toBe(true)
      }),
    )
  })
})

describe('the parts of a price', () => {
  test('add up to the whole, factors included', () => {
    const count = fc.nat({ max: 2_000_000 })
    const usage = fc.record({ input: count, output: count, cacheRead: count, cacheWrite5m: count, cacheWrite1h: count })
    const rest = fc.record({
      serviceTier: fc.constantFrom(null, 'batch'),
      speed: fc.constantFrom(null, 'fast'),
      inferenceGeo: fc.constantFrom(null, 'us'),
      serverToolUse: fc.constantFrom(null, { webSearchRequests: 3, webFetchRequests: 1 }),
    })
    fc.assert(
      fc.property(usage, rest, (buckets, others) => {
        const { costUsd, costParts = { none: 0 } } = priceBy(row, exchange({ ...buckets, reasoning: null }, others))
        const sum = Object.values(costParts).reduce((all, part) => all + part, 0)
        expect(Math.abs(sum - costUsd)).toBeLessThan(1e-8)
      }),
    )
  })
})

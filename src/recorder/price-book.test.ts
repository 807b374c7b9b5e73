import { describe, expect, test } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import type { Clock } from '../core/clock.ts'
import type { ExchangeClosed } from '../core/exchange.ts'
import { silentLogger } from '../core/logger.ts'
import { noUsage, type Usage } from '../core/usage.ts'
import { type PriceOverride, recorderConfigSchema } from './config.ts'
import { createPriceBook } from './price-book.ts'

const day = 86_400_000
const clock: Clock = { now: () => Date.UTC(2026, 8, 1), monotonic: () => 0 }
const book = createPriceBook({ clock, logger: silentLogger })

function cost(usage: Partial<Usage>, rest: Partial<ExchangeClosed> = {}, from = book) {
  const exchange = closedExchange({
    provider: 'anthropic',
    model: 'claude-sonnet-4-5-20250929',
    openedAt: Date.UTC(2026, 5, 1),
    usage: { ...noUsage, ...usage },
    ...rest,
  })
  return from.price(exchange)
}

const override = (rest: Partial<PriceOverride>): PriceOverride => ({
  provider: 'anthropic',
  model: 'claude-sonnet-4-5*',
  inputPerMillion: 1,
  outputPerMillion: 2,
  cacheReadPerMillion: 0.1,
  cacheWrite5mPerMillion: 1.25,
  cacheWrite1hPerMillion: 2,
  webSearchPerThousand: 10,
  ...rest,
})

describe('the published list', () => {
  test('prices the worked examples to the cent', () => {
    const million = 1_000_000
    expect(cost({ input: million, output: million }, { model: 'claude-haiku-4-5' }).costUsd).toBe(6)
    expect(cost({ input: million, output: million }, { model: 'claude-opus-4-8' }).costUsd).toBe(30)
    expect(cost({ cacheRead: million }, { model: 'claude-opus-4-8' }).costUsd).toBe(0.5)
    expect(cost({ cacheWrite5m: million }, { model: 'claude-opus-4-8' }).costUsd).toBe(6.25)
    expect(cost({ input: 12_345, output: 678 }, { model: 'claude-sonnet-4-0' })).toMatchObject({
      costUsd: 0.047205,
      priceSource: 'genai-prices',
    })
    expect(cost({ input: million, output: million }, { provider: 'openai', model: 'gpt-4o' }).costUsd).toBe(12.5)
    expect(cost({ cacheRead: million }, { provider: 'openai', model: 'gpt-4o' }).costUsd).toBe(1.25)
  })

  test('bills one-hour writes at their own price', () => {
    expect(cost({ cacheWrite1h: 1_000 }, { model: 'claude-opus-4-8' }).costUsd).toBe(0.01)
    expect(cost({ cacheWrite1h: 1_000 }, { model: 'claude-haiku-4-5' }).costUsd).toBe(0.002)
    // The list has no cache prices for this one: twice the input price, as documented.
    expect(cost({ cacheWrite1h: 1_000 }, { model: 'claude-2.1' }).costUsd).toBe(0.016)
  })

  test('knows models whose cache reads have an unusual price', () => {
    expect(cost({ cacheRead: 1_000_000 }, { model: 'claude-opus-5-5' }).costUsd).toBe(0.2)
    expect(cost({ cacheRead: 1_000_000 }, { model: 'claude-fable-5-1' }).costUsd).toBe(0.25)
  })

  test.each([
    [199_999, 0.599997],
    [200_000, 0.6],
    [200_001, 1.200006],
  ])('passes the long-context threshold at more than 200,000 tokens: %i', (input, costUsd) => {
    expect(cost({ input }).costUsd).toBe(costUsd)
  })

  test('takes the price that was in force when the call arrived', () => {
    const flatSince = Date.UTC(2026, 2, 13)
    const call = (openedAt: number) => cost({ input: 300_000 }, { model: 'claude-opus-4-6', openedAt }).costUsd
    expect(call(flatSince - 1)).toBe(3)
    expect(call(flatSince)).toBe(1.5)
    expect(call(flatSince - day)).toBe(3)
  })

  test('prices fast mode, place, batch and searches of Claude models', () => {
    const model = 'claude-opus-4-6'
    expect(cost({ input: 1_000_000, output: 1_000_000 }, { model, speed: 'fast' }).costUsd).toBe(180)
    expect(cost({ input: 100_000 }, { model, inferenceGeo: 'us' }).costUsd).toBe(0.55)
    expect(cost({ input: 100_000 }, { model, serviceTier: 'batch' }).costUsd).toBe(0.25)
    const serverToolUse = { webSearchRequests: 2, webFetchRequests: 5 }
    expect(cost({ input: 100_000 }, { model, inferenceGeo: 'us', serverToolUse }).costUsd).toBe(0.57)
  })

  test('prices simulated models like the models they name', () => {
    const usage = { input: 1_000, output: 1_000 }
    const rest = { provider: 'simulated', model: 'claude-opus-4-8' }
    expect(cost(usage, rest)).toMatchObject({ costUsd: 0.03, priceSource: 'genai-prices' })
  })

  test('finds our provider names in the list', () => {
    const usage = { input: 1_000_000 }
    expect(cost(usage, { provider: 'gemini', model: 'gemini-2.5-flash' }).priceSource).toBe('genai-prices')
    expect(cost(usage, { provider: 'xai', model: 'grok-4' }).priceSource).toBe('genai-prices')
    expect(cost(usage, { provider: 'house-proxy', model: 'claude-haiku-4-5' })).toMatchObject({
      costUsd: 1,
      priceSource: 'genai-prices',
    })
  })

  test('falls back on the model that was asked for', () => {
    expect(cost({ input: 1_000_000 }, { model: null, requestedModel: 'claude-haiku-4-5' }).costUsd).toBe(1)
  })
})

describe('what has no price', () => {
  test('is counted by the default row and never free', () => {
    const usage = {
      input: 1_000_000,
      output: 1_000_000,
      cacheRead: 1_000_000,
      cacheWrite5m: 1_000_000,
      cacheWrite1h: 1_000_000,
    }
    for (const rest of [
      { model: 'claude-unheard-of' },
      { provider: 'ollama', model: 'llama3.3' },
      { provider: 'simulated', model: 'dream-1' },
      { provider: null, model: null, requestedModel: null },
      { provider: '__proto__', model: 'constructor' },
    ]) {
      expect(cost(usage, rest)).toMatchObject({ costUsd: 46.75, priceSource: 'default' })
    }
  })

  test('is said once a day for each model', () => {
    let now = Date.UTC(2026, 8, 1)
    const warned: unknown[] = []
    const logger = {
      ...silentLogger,
      warn: (event: string, _: string, fields: unknown) => warned.push([event, fields]),
    }
    const own = createPriceBook({ clock: { now: () => now, monotonic: () => 0 }, logger })
    const call = (model: string) => cost({ input: 1 }, { model }, own)
    call('mystery-1')
    call('mystery-1')
    call('mystery-2')
    expect(warned).toEqual([
      ['price_unknown', { provider: 'anthropic', model: 'mystery-1' }],
      ['price_unknown', { provider: 'anthropic', model: 'mystery-2' }],
    ])
    now += day
    call('mystery-1')
    expect(warned).toHaveLength(3)
  })

  test('costs nothing where nothing was used', () => {
    expect(cost({}, { model: 'mystery' })).toMatchObject({ costUsd: 0, priceSource: 'none' })
    expect(cost({ input: 9 }, { usageSource: 'none' })).toMatchObject({ costUsd: 0, priceSource: 'none' })
  })
})

describe('overrides', () => {
  test('go before the list, in their time', () => {
    const own = createPriceBook({
      clock,
      logger: silentLogger,
      overrides: [override({ effectiveFrom: '2026-06-01', effectiveTo: '2026-07-01' })],
    })
    const call = (openedAt: number) => cost({ input: 1_000_000 }, { openedAt }, own)
    expect(call(Date.UTC(2026, 5, 1) - 1)).toMatchObject({ costUsd: 6, priceSource: 'genai-prices' })
    expect(call(Date.UTC(2026, 5, 1))).toMatchObject({ costUsd: 1, priceSource: 'override' })
    expect(call(Date.UTC(2026, 6, 1))).toMatchObject({ costUsd: 6, priceSource: 'genai-prices' })
  })

  test('make a local model free by saying so', () => {
    const zero = {
      inputPerMillion: 0,
      outputPerMillion: 0,
      cacheReadPerMillion: 0,
      cacheWrite5mPerMillion: 0,
      cacheWrite1hPerMillion: 0,
    }
    const own = createPriceBook({
      clock,
      logger: silentLogger,
      overrides: [override({ provider: 'Ollama', model: '*', ...zero })],
    })
    expect(cost({ input: 1_000 }, { provider: 'ollama', model: 'llama3.3' }, own)).toMatchObject({
      costUsd: 0,
      priceSource: 'free',
    })
  })

  test('are checked as configuration', () => {
    expect(recorderConfigSchema.parse({}).prices).toEqual([])
    expect(recorderConfigSchema.safeParse({ prices: [override({})] }).success).toBe(true)
    expect(recorderConfigSchema.safeParse({ prices: [{ ...override({}), inputPerMillion: -1 }] }).success).toBe(false)
    expect(recorderConfigSchema.safeParse({ prices: [{ ...override({}), effectiveFrom: 'May' }] }).success).toBe(false)
  })
})

import { calcPrice, type ModelPrice } from '@pydantic/genai-prices'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import {
  type BucketPrices,
  hasNothingToPrice,
  notPriced,
  type PriceBook,
  type PriceRow,
  perToken,
  perUnit,
  priceBy,
  type Ratio,
} from '../core/pricing.ts'
import type { PriceOverride } from './config.ts'

/**
 * The price book: overrides first, then the published list that comes with `@pydantic/genai-prices`, then the default
 * row. The package finds the model and the prices in force at a date; its arithmetic is floating point,
 * so the sums are ours (`core/pricing.ts`).
 */
export function createPriceBook(options: {
  overrides?: readonly PriceOverride[]
  clock: Clock
  logger: Logger
}): PriceBook {
  const overrides = (options.overrides ?? []).map(compileOverride)
  const publishedRow = createPublishedRows()
  const warn = createDailyWarning(options.clock, options.logger)

  const rowOf = (provider: string, model: string, at: number): PriceRow | null =>
    overrides.find((override) => override.matches(provider, model, at))?.row ?? publishedRow(provider, model, at)

  return {
    knows: (provider, model) => rowOf(provider.toLowerCase(), model.toLowerCase(), options.clock.now()) !== null,
    price(exchange) {
      if (hasNothingToPrice(exchange)) return notPriced
      const provider = (exchange.provider ?? '').toLowerCase()
      const model = (exchange.model ?? exchange.requestedModel ?? '').toLowerCase()
      const row = rowOf(provider, model, exchange.openedAt)
      if (row === null) {
        warn('price_unknown', 'No price is known for this model; it is counted by the default price', provider, model)
        return priceBy(defaultRow, exchange)
      }
      if (exchange.speed === 'fast' && row.fast === null) {
        warn('price_fast_unknown', 'No fast price is known for this model; the usual price is used', provider, model)
      }
      return priceBy(row, exchange)
    },
  }
}

/**
 * The row for models that nobody has a price for: $5 in, $25 out per million, the value that Anthropic's own gateway
 * uses, with the cache prices that are usual at that level (those of Claude Opus 4.5 to 4.8 in the published list).
 */
export const defaultRow: PriceRow = {
  source: 'default',
  prices: {
    input: perToken(5),
    output: perToken(25),
    cacheRead: perToken(0.5),
    cacheWrite5m: perToken(6.25),
    cacheWrite1h: perToken(10),
  },
  longPrompt: [],
  fast: null,
  webSearch: perUnit(10),
  request: 0n,
  geo: {},
  serviceTier: {},
}

/** Names of ours whose prices stand under another name in the package. `simulated` models cost what they imitate. */
const publishedAs: Readonly<Record<string, string>> = { simulated: 'anthropic', gemini: 'google', xai: 'x-ai' }

/**
 * Factors of Anthropic, told by the response: US-only inference costs 1.1 times, a batch half.
 * Source: https://platform.claude.com/docs/en/about-claude/pricing (data residency pricing, batch processing).
 */
const anthropicGeo: Readonly<Record<string, Ratio>> = { us: { times: 11n, per: 10n } }
const anthropicServiceTier: Readonly<Record<string, Ratio>> = { batch: { times: 1n, per: 2n } }

/** Model names come from callers, so what is remembered of them has a bound; at the bound all is forgotten. */
const rememberedModels = 2_000

type RowLookup = (provider: string, model: string, at: number) => PriceRow | null

function createPublishedRows(): RowLookup {
  // A row that holds for ever is remembered as such; one with dates or hours is looked up for each exchange.
  const rows = new Map<string, PriceRow | null | 'dated'>()
  const compiled = new WeakMap<ModelPrice, PriceRow | null>()

  const lookUp = (provider: string, model: string, at: number): { row: PriceRow | null; dated: boolean } => {
    const providerId = publishedProvider(provider, model)
    if (providerId === null || model === '') return { row: null, dated: false }
    const found = calcPrice({}, model, { providerId, timestamp: new Date(at) })
    if (found === null) return { row: null, dated: false }
    let row = compiled.get(found.model_price)
    if (row === undefined) {
      row = compileRow(found.provider.id, found.model.id, found.model_price)
      compiled.set(found.model_price, row)
    }
    return { row, dated: Array.isArray(found.model.prices) }
  }

  return (provider, model, at) => {
    const key = `${provider}\n${model}`
    const known = rows.get(key)
    if (known !== undefined && known !== 'dated') return known
    const { row, dated } = lookUp(provider, model, at)
    if (known === undefined) {
      if (rows.size >= rememberedModels) rows.clear()
      rows.set(key, dated ? 'dated' : row)
    }
    return row
  }
}

function publishedProvider(provider: string, model: string): string | null {
  const id = publishedAs[provider] ?? provider
  // A provider under a name of one's own, or none that answered: only a Claude model tells by itself whose list it is on.
  if (!publishedProviders.has(id)) return model.includes('claude') ? 'anthropic' : null
  return id
}

/** Providers of this gateway that the package has a list for. Others (ollama, custom names) have no published price. */
const publishedProviders = new Set([
  'anthropic',
  'openai',
  'google',
  'groq',
  'mistral',
  'x-ai',
  'deepseek',
  'openrouter',
  'aws',
  'azure',
  'together',
  'fireworks',
  'cerebras',
  'moonshotai',
])

/** Null where the list has prices for the model, but none for its tokens (audio by the hour). */
function compileRow(provider: string, model: string, price: ModelPrice): PriceRow | null {
  const isEmpty = Object.keys(price).length === 0
  if (!isEmpty && price.input_mtok === undefined && price.output_mtok === undefined) return null
  const starts = new Set<number>()
  for (const value of Object.values(price)) {
    if (typeof value === 'object') for (const tier of value.tiers) starts.add(tier.start)
  }
  const anthropic = provider === 'anthropic'
  const webSearches = price.web_searches_kcount === undefined ? null : priceAt(price, 'web_searches_kcount', 0)
  return {
    source: 'genai-prices',
    prices: bucketsAt(price, 0, anthropic),
    // A tier of the package holds for prompts of more than `start` tokens.
    longPrompt: [...starts]
      .sort((a, b) => a - b)
      .map((above) => ({ above, prices: bucketsAt(price, above + 1, anthropic) })),
    fast: anthropic ? fastPrices(model) : null,
    // Web search costs $10 per 1,000 on every Claude model; the list leaves it out at the oldest ones.
    // Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
    webSearch: perUnit(webSearches ?? (anthropic ? 10 : 0)),
    request: perUnit(priceAt(price, 'requests_kcount', 0) ?? 0),
    geo: anthropic ? anthropicGeo : {},
    serviceTier: anthropic ? anthropicServiceTier : {},
  }
}

/**
 * A bucket without a price of its own is billed as the bucket it is a part of, which is the package's own rule:
 * cache reads and writes as input, one-hour writes as short ones. Except at Anthropic, whose one-hour writes are
 * documented at twice the input price. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
 */
function bucketsAt(price: ModelPrice, promptTokens: number, anthropic: boolean): BucketPrices {
  const input = priceAt(price, 'input_mtok', promptTokens) ?? 0
  const write = priceAt(price, 'cache_write_mtok', promptTokens) ?? input
  return {
    input: perToken(input),
    output: perToken(priceAt(price, 'output_mtok', promptTokens) ?? 0),
    cacheRead: perToken(priceAt(price, 'cache_read_mtok', promptTokens) ?? input),
    cacheWrite5m: perToken(write),
    cacheWrite1h: perToken(priceAt(price, 'cache_write_1h_mtok', promptTokens) ?? (anthropic ? 2 * input : write)),
  }
}

function priceAt(price: ModelPrice, key: string, promptTokens: number): number | undefined {
  const value = price[key]
  if (value === undefined || typeof value === 'number') return value
  const tiers = [...value.tiers].sort((a, b) => a.start - b.start)
  return tiers.findLast((tier) => promptTokens > tier.start)?.price ?? value.base
}

/**
 * Fast mode is a price set of its own. The package lists it as models of OpenRouter, which passes Anthropic's price on:
 * `claude-opus-4-6` is `anthropic/claude-opus-4.6-fast` there.
 */
function fastPrices(model: string): BucketPrices | null {
  const name = model.replace(/-(\d)-(\d)$/, '-$1.$2')
  const found = calcPrice({}, `anthropic/${name}-fast`, { providerId: 'openrouter' })
  if (found === null || !found.model.id.endsWith('-fast')) return null
  return bucketsAt(found.model_price, 0, true)
}

interface CompiledOverride {
  readonly row: PriceRow
  matches(provider: string, model: string, at: number): boolean
}

function compileOverride(override: PriceOverride): CompiledOverride {
  const provider = override.provider.toLowerCase()
  const model = override.model.toLowerCase()
  const prefix = model.endsWith('*') ? model.slice(0, -1) : null
  const from = override.effectiveFrom === undefined ? Number.NEGATIVE_INFINITY : Date.parse(override.effectiveFrom)
  const to = override.effectiveTo === undefined ? Number.POSITIVE_INFINITY : Date.parse(override.effectiveTo)
  const anthropic = (publishedAs[provider] ?? provider) === 'anthropic'
  return {
    row: {
      source: 'override',
      prices: {
        input: perToken(override.inputPerMillion),
        output: perToken(override.outputPerMillion),
        cacheRead: perToken(override.cacheReadPerMillion),
        cacheWrite5m: perToken(override.cacheWrite5mPerMillion),
        cacheWrite1h: perToken(override.cacheWrite1hPerMillion),
      },
      longPrompt: [],
      fast: null,
      webSearch: perUnit(override.webSearchPerThousand),
      request: 0n,
      geo: anthropic ? anthropicGeo : {},
      serviceTier: anthropic ? anthropicServiceTier : {},
    },
    matches: (candidateProvider, candidateModel, at) =>
      (provider === '*' || provider === candidateProvider) &&
      (prefix === null ? model === candidateModel : candidateModel.startsWith(prefix)) &&
      at >= from &&
      at < to,
  }
}

/** Says each thing once a day for each model, and forgets all of it at the bound. */
function createDailyWarning(clock: Clock, logger: Logger) {
  let day = -1
  const said = new Set<string>()
  return (event: string, message: string, provider: string, model: string): void => {
    const today = Math.floor(clock.now() / 86_400_000)
    if (today !== day || said.size >= rememberedModels) said.clear()
    day = today
    const key = `${event}\n${provider}\n${model}`
    if (said.has(key)) return
    said.add(key)
    // Absent is better than empty: a refused call has no provider.
    logger.warn(event, message, { provider: provider || undefined, model: model || undefined })
  }
}

/**
 * Money, as pure rules: token buckets times prices, in integers. Picodollars (1e-12 USD) are used while computing,
 * because a price per million tokens with six decimals is then a whole number per token; the sum is rounded once, to
 * nanodollars. No floating sums. Where prices come from is the recorder's business (`recorder/price-book.ts`).
 */
import type { CostParts, ExchangeClosed, Priced, PriceSource } from './exchange.ts'
import { totalTokens } from './usage.ts'

/** What one token of each bucket costs, in whole picodollars. Every bucket has its own price: no ratio is assumed. */
export interface BucketPrices {
  readonly input: bigint
  readonly output: bigint
  readonly cacheRead: bigint
  readonly cacheWrite5m: bigint
  readonly cacheWrite1h: bigint
}

/** A factor as a fraction, so that 1.1 stays exact. */
export interface Ratio {
  readonly times: bigint
  readonly per: bigint
}

/** One line of a price list, in force for one model at one time. */
export interface PriceRow {
  readonly source: Exclude<PriceSource, 'none' | 'free'>
  readonly prices: BucketPrices
  /** Prices of the WHOLE request once the prompt has more than `above` tokens, ascending by `above`. */
  readonly longPrompt: readonly { readonly above: number; readonly prices: BucketPrices }[]
  /** The price set of `speed: fast`; null where the model has none. */
  readonly fast: BucketPrices | null
  /** Picodollars for each web search, and for each request as such. Added after the factors, never multiplied. */
  readonly webSearch: bigint
  readonly request: bigint
  /** Factors by what the response said of itself. */
  readonly geo: Readonly<Record<string, Ratio>>
  readonly serviceTier: Readonly<Record<string, Ratio>>
}

/** Knows what everything costs. `price` never throws: what it does not know is priced by a default row and says so. */
export interface PriceBook {
  price(exchange: ExchangeClosed): Priced
  /** Whether the model has a price of its own at the provider, so that its name may be trusted as a label. */
  knows(provider: string, model: string): boolean
}

/** Everything on the exchange that moves its price. */
export type Priceable = Pick<
  ExchangeClosed,
  'usage' | 'usageSource' | 'serverToolUse' | 'serviceTier' | 'speed' | 'inferenceGeo'
>

/** For exchanges that cost nothing. */
export const notPriced: Priced = { costUsd: 0, priceSource: 'none' }

/** USD for a million tokens, as price lists print it -> picodollars for one. Exact up to six decimals. */
export function perToken(usdPerMillion: number): bigint {
  return BigInt(Math.round(usdPerMillion * 1e6))
}

/** USD for a thousand units (searches, requests) -> picodollars for one. */
export function perUnit(usdPerThousand: number): bigint {
  return BigInt(Math.round(usdPerThousand * 1e6)) * 1000n
}

/** True where there is nothing to pay for: no work was done, or nobody can tell of any. */
export function hasNothingToPrice(exchange: Priceable): boolean {
  if (exchange.usageSource === 'none') return true
  return totalTokens(exchange.usage) === 0 && (exchange.serverToolUse?.webSearchRequests ?? 0) === 0
}

/**
 * What one exchange costs under a row: `Σ bucket × price × geo × tier + Σ units × unit price`.
 * The prompt that is held against `longPrompt` is all four prompt buckets, and a step reprices every token of the
 * request. `reasoning` is part of `output` and never priced again.
 */
export function priceBy(row: PriceRow, exchange: Priceable): Priced {
  if (hasNothingToPrice(exchange)) return notPriced
  const { usage } = exchange
  const prices = pricesFor(row, exchange)
  const byBucket = {
    input: BigInt(usage.input) * prices.input,
    output: BigInt(usage.output) * prices.output,
    cacheRead: BigInt(usage.cacheRead) * prices.cacheRead,
    cacheWrite5m: BigInt(usage.cacheWrite5m) * prices.cacheWrite5m,
    cacheWrite1h: BigInt(usage.cacheWrite1h) * prices.cacheWrite1h,
  }
  const tokens = byBucket.input + byBucket.output + byBucket.cacheRead + byBucket.cacheWrite5m + byBucket.cacheWrite1h
  const geo = factor(row.geo, exchange.inferenceGeo)
  const tier = factor(row.serviceTier, exchange.serviceTier)
  const units = BigInt(exchange.serverToolUse?.webSearchRequests ?? 0) * row.webSearch + row.request
  const per = geo.per * tier.per
  const picodollars = tokens * geo.times * tier.times + units * per
  const costUsd = usdOf(picodollars, per)
  // A row of zeros is a statement ("this model is free"), unlike a price that merely rounds to nothing.
  const priceSource = picodollars === 0n && isFree(row) ? 'free' : row.source
  return { costUsd, priceSource, costParts: partsOf(byBucket, units, (geo.times * tier.times * 1_000_000n) / per) }
}

function pricesFor(row: PriceRow, { usage, speed }: Priceable): BucketPrices {
  if (speed === 'fast' && row.fast !== null) return row.fast
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h
  return row.longPrompt.findLast((step) => prompt > step.above)?.prices ?? row.prices
}

/** For charts alone: the sum that counts is made of whole numbers. `factor` is in millionths. */
function partsOf(
  byBucket: Readonly<Record<Exclude<keyof CostParts, 'units'>, bigint>>,
  units: bigint,
  factor: bigint,
): CostParts {
  const scale = Number(factor) / 1e6 / 1e12
  return {
    input: Number(byBucket.input) * scale,
    output: Number(byBucket.output) * scale,
    cacheRead: Number(byBucket.cacheRead) * scale,
    cacheWrite5m: Number(byBucket.cacheWrite5m) * scale,
    cacheWrite1h: Number(byBucket.cacheWrite1h) * scale,
    units: Number(units) / 1e12,
  }
}

const once: Ratio = { times: 1n, per: 1n }

function factor(factors: Readonly<Record<string, Ratio>>, name: string | null): Ratio {
  if (name === null || !Object.hasOwn(factors, name)) return once
  return factors[name] ?? once
}

/** Rounds half up to nanodollars; a number of nanodollars below 2^53 (nine million dollars) is exact as a double. */
function usdOf(picodollars: bigint, per: bigint): number {
  const unit = 1000n * per
  return Number((picodollars + unit / 2n) / unit) / 1e9
}

function isFree(row: PriceRow): boolean {
  const sets = [row.prices, ...row.longPrompt.map((step) => step.prices)]
  return row.request === 0n && sets.every((set) => Object.values(set).every((price: bigint) => price === 0n))
}

/** The closed unions of an exchange as sets, for records that come from a file. */
import type { Endpoint, Outcome, PriceSource } from '../core/exchange.ts'
import type { UsageSource } from '../core/usage.ts'

/** Made from records, so that the compiler asks for each name of the union and for no other. */
const setOf = <T extends string>(names: Readonly<Record<T, true>>): ReadonlySet<T> =>
  new Set(Object.keys(names)) as ReadonlySet<string> as ReadonlySet<T> // `Object.keys` forgets the type of a record's names

export const kinds = setOf<'opened' | 'closed'>({ opened: true, closed: true })

export const endpoints = setOf<Endpoint>({ messages: true, count_tokens: true, models: true, passthrough: true })

export const outcomes = setOf<Outcome>({
  ok: true,
  caller_error: true,
  policy_refused: true,
  provider_error: true,
  gateway_error: true,
  cancelled: true,
  interrupted: true,
})

export const usageSources = setOf<UsageSource>({ reported: true, partial: true, estimated: true, none: true })

export const priceSources = setOf<PriceSource>({
  'genai-prices': true,
  override: true,
  default: true,
  free: true,
  none: true,
})

export const exchangeSources = setOf<'wire' | 'import'>({ wire: true, import: true })

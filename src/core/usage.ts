/**
 * The five disjoint token buckets of one exchange (integers). Their sum is the total; nothing else is ever added to
 * it. `reasoning` is a subset of `output`, shown and never summed; null where the provider does not tell.
 */
export interface Usage {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  readonly reasoning: number | null
}

/**
 * Where the counts come from: `reported` by the provider in full; `partial` (the stream was cut: input reported,
 * output at least what was streamed); `estimated` (no usage at all, from sizes); `none` (refused before work began).
 */
export type UsageSource = 'reported' | 'partial' | 'estimated' | 'none'

/** Of calls that no provider worked for. */
export const noUsage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null }

/** All buckets; reasoning is part of output and not counted again. */
export function totalTokens(usage: Usage): number {
  return usage.input + usage.output + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h
}

/** Billed units that are not tokens (`usage.server_tool_use`), cumulative for the exchange. */
export interface ServerToolUse {
  readonly webSearchRequests: number
  readonly webFetchRequests: number
}

// @ts-check
/**
 * The traffic of the ledger's bench: a company of twelve teams, mostly Claude Code. The same shares make the records that
 * go through the recorder and, as SQL, the millions of rows that are there already.
 */

/** Exchanges of a domain fall off like those of real teams; three keys and one account each way. */
export const domains = ['web', 'api', 'data', 'mobile', 'infra', 'search', 'ads', 'risk', 'sales', 'ops', 'labs', 'qa']
export const keysPerDomain = 3
export const accounts = ['main', 'team', 'spare']

/** @type {readonly { provider: string, model: string, share: number, medianMs: number }[]} */
export const models = [
  { provider: 'anthropic', model: 'claude-sonnet-4-5-20250929', share: 0.46, medianMs: 9_000 },
  { provider: 'anthropic', model: 'claude-haiku-4-5-20251001', share: 0.24, medianMs: 2_500 },
  { provider: 'anthropic', model: 'claude-opus-4-1-20250805', share: 0.12, medianMs: 15_000 },
  { provider: 'anthropic', model: 'claude-3-5-haiku-20241022', share: 0.07, medianMs: 2_000 },
  { provider: 'openai', model: 'gpt-5', share: 0.05, medianMs: 12_000 },
  { provider: 'openai', model: 'gpt-5-mini', share: 0.03, medianMs: 3_000 },
  { provider: 'google', model: 'gemini-2.5-pro', share: 0.02, medianMs: 10_000 },
  { provider: 'groq', model: 'llama-3.3-70b-versatile', share: 0.01, medianMs: 900 },
]

/** How exchanges end; `ok` is what is left. */
export const failures = /** @type {const} */ ([
  { share: 0.012, statusCode: 529, outcome: 'provider_error', errorType: 'provider_overloaded' },
  { share: 0.009, statusCode: 429, outcome: 'provider_error', errorType: 'provider_rate_limited' },
  { share: 0.008, statusCode: 499, outcome: 'cancelled', errorType: 'caller_cancelled' },
  { share: 0.006, statusCode: 400, outcome: 'provider_error', errorType: 'provider_rejected' },
  { share: 0.003, statusCode: 500, outcome: 'provider_error', errorType: 'provider_server_error' },
  { share: 0.001, statusCode: 401, outcome: 'caller_error', errorType: 'caller_unauthenticated' },
])

/** Share of calls that stream, of calls that only count tokens, and how wide latencies scatter (sigma of the logarithm). */
export const streamingShare = 0.85
export const countTokensShare = 0.06
export const scatter = 0.9
/** Exchanges of one agent session, on the average. */
export const exchangesPerSession = 60

/** A new one for each key when all keys together have had so many more exchanges. */
const sessionStride = exchangesPerSession * domains.length * keysPerDomain

/** @param {number} domain @param {number} key @param {number} nth number of the exchange */
function sessionOf(domain, key, nth) {
  const session = Math.floor(nth / sessionStride) * 100 + domain * keysPerDomain + key
  return `5e551000-0000-4000-8000-${String(session).padStart(12, '0')}`
}

/** A small random source with a seed (mulberry32), so that two runs measure the same records. @param {number} seed */
export function randomSource(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Thousandths, as records carry them. @param {number} ms */
const thousandths = (ms) => Math.round(ms * 1000) / 1000

/**
 * Makes exchanges as the gateway closes them, one after the other.
 * @param {{ seed: number, uuid: (ms: number) => string }} options
 * @returns {(at: number) => import('../../../src/core/exchange.ts').ExchangeClosed} takes epoch milliseconds
 */
export function trafficSource({ seed, uuid }) {
  const random = randomSource(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  /** @template {{ share: number }} T @param {readonly T[]} list @returns {T | undefined} */
  const pick = (list) => {
    let left = random()
    for (const one of list) {
      left -= one.share
      if (left < 0) return one
    }
    return undefined
  }
  let made = 0
  return (at) => {
    const domainNumber = Math.floor(random() ** 2 * domains.length)
    const domain = String(domains[domainNumber])
    const key = Math.floor(random() * keysPerDomain)
    const { provider, model, medianMs } = pick(models) ?? /** @type {typeof models[number]} */ (models[0])
    const failure = pick(failures)
    const counting = failure === undefined && random() < countTokensShare
    const streaming = !counting && random() < streamingShare
    const durationMs = thousandths(counting ? 120 * Math.exp(0.4 * normal()) : medianMs * Math.exp(scatter * normal()))
    const ttftMs = counting || failure !== undefined ? null : thousandths(durationMs * (0.05 + 0.2 * random()))
    const output = failure === undefined && !counting ? Math.ceil(durationMs / 15) : 0
    const session = sessionOf(domainNumber, key, made++)
    return {
      kind: 'closed',
      id: uuid(at),
      openedAt: at,
      closedAt: at + Math.round(durationMs),
      method: 'POST',
      path: counting ? '/v1/messages/count_tokens' : '/v1/messages',
      endpoint: counting ? 'count_tokens' : 'messages',
      domain,
      keyId: `k_${String(domainNumber * keysPerDomain + key).padStart(12, '0')}`,
      account: accounts[domainNumber % accounts.length] ?? null,
      provider,
      requestedModel: model.replace(/-\d{8}$/, ''),
      streaming,
      sessionId: session,
      agentId: null,
      parentAgentId: null,
      requestBytes: 20_000 + Math.floor(random() * 400_000),
      statusCode: failure?.statusCode ?? 200,
      outcome: failure?.outcome ?? 'ok',
      errorType: failure?.errorType ?? null,
      errorMessage: failure === undefined ? null : 'The provider said no.',
      failedAfterFirstByte: false,
      upstreamStatus: failure?.statusCode ?? 200,
      upstreamRequestId: `req_011CS${Math.floor(random() * 1e15).toString(36)}`,
      model: failure === undefined ? model : null,
      stopReason: failure === undefined ? 'end_turn' : null,
      attempts: 1,
      durationMs,
      ttftMs,
      upstreamMs: thousandths(durationMs * 0.998),
      overheadMs: thousandths(0.3 + random()),
      responseBytes: 500 + output * 90,
      usage: {
        input: Math.floor(random() * 200),
        output,
        cacheRead: Math.floor(random() * 120_000),
        cacheWrite5m: Math.floor(random() * 3_000),
        cacheWrite1h: 0,
        reasoning: null,
      },
      usageSource: failure === undefined ? 'reported' : 'none',
      usageFlags: [],
      serverToolUse: null,
      serviceTier: 'standard',
      speed: null,
      inferenceGeo: null,
      routing: null,
      rateLimitHeaders:
        provider === 'anthropic'
          ? {
              'anthropic-ratelimit-unified-status': 'allowed',
              'anthropic-ratelimit-unified-5h-utilization': (0.2 + random() / 10).toFixed(2),
              'anthropic-ratelimit-unified-5h-reset': String(Math.ceil(at / 18_000_000) * 18_000),
            }
          : null,
    }
  }
}

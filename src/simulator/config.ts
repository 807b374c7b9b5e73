import { z } from 'zod'

const distribution = (median: number, sigma: number, what: string) =>
  z
    .strictObject({
      median: z.number().min(0).default(median).describe(`Median ${what}.`),
      sigma: z.number().min(0).max(3).default(sigma).describe('Spread (sigma of the logarithm); 0 makes it constant.'),
    })
    .prefault({})

const rateLimitsConfig = z
  .strictObject({
    requestsPerMinute: z.number().int().min(1).default(4_000).describe('Announced request limit per model family.'),
    inputTokensPerMinute: z
      .number()
      .int()
      .min(1)
      .default(2_000_000)
      .describe('Announced limit of uncached input tokens.'),
    outputTokensPerMinute: z.number().int().min(1).default(400_000).describe('Announced limit of output tokens.'),
    fiveHourTokens: z
      .number()
      .int()
      .min(1)
      .default(40_000_000)
      .describe(
        'Tokens (cache reads count a tenth, output five times) that fill the 5-hour window of a subscription login.',
      ),
    sevenDayTokens: z.number().int().min(1).default(600_000_000).describe('The same for the 7-day window.'),
    enforce: z.boolean().default(false).describe('Answer 429 when a limit is used up instead of only announcing it.'),
  })
  .prefault({})
  .describe('Limits that the simulated provider announces in its rate-limit headers.')

/** Settings of the generated traffic behind `npm run demo`. */
export const trafficConfig = z
  .strictObject({
    requestsPerSecond: z
      .number()
      .min(0.01)
      .max(200)
      .default(3)
      .describe('Mean rate of generated calls over one simulated day.')
      .meta({ env: 'DEMO_REQUESTS_PER_SECOND' }),
    dayMinutes: z
      .number()
      .min(0.1)
      .default(20)
      .describe('Length of one simulated day in minutes: load rises, falls and bursts along a daily curve.')
      .meta({ env: 'DEMO_DAY_MINUTES' }),
    concurrency: z.number().int().min(1).max(1_000).default(48).describe('Most generated calls in flight at once.'),
    sessions: z.number().int().min(1).max(1_000).default(16).describe('Agent sessions alive at once.'),
    maxContextBytes: z
      .number()
      .int()
      .min(10_000)
      .default(160_000)
      .describe('A session starts anew when its conversation is larger than this.'),
    errorRate: z
      .number()
      .min(0)
      .max(1)
      .default(0.02)
      .describe('Share of generated calls that ask for a provider failure.'),
    cancelRate: z.number().min(0).max(1).default(0.015).describe('Share of generated calls that leave in mid-answer.'),
    domains: z
      .array(z.string().min(1))
      .min(1)
      .default(['web.demo', 'mobile.demo', 'data.demo', 'platform.demo'])
      .describe('Host values the generated calls carry; each becomes a domain. The first are the busiest.'),
  })
  .prefault({})
  .describe('The generated traffic of `signalbox demo`.')

/** The settings slice `simulator`. */
export const simulatorConfig = z
  .strictObject({
    seed: z
      .union([z.string(), z.number()])
      .transform(String)
      .default('1')
      .describe('Same seed, same calls: same answers, byte for byte.')
      .meta({ env: 'SIMULATOR_SEED' }),
    ttftMs: distribution(450, 0.5, 'milliseconds until the first event of an answer'),
    tokensPerSecond: distribution(85, 0.3, 'output tokens a second; 0 sends everything at once'),
    outputTokens: distribution(180, 0.8, 'length of a text answer in tokens, within the max_tokens of the call'),
    errorRate: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of calls answered with a failure: overload, rate limit, server error, broken streams.')
      .meta({ env: 'SIMULATOR_ERROR_RATE' }),
    requireKey: z.boolean().default(false).describe('Answer 401 to calls without x-api-key or bearer credential.'),
    strictModels: z.boolean().default(false).describe('Answer 404 for models that are not in its model list.'),
    maxBodyBytes: z
      .number()
      .int()
      .min(1_000)
      .default(32 * 1024 * 1024)
      .describe('Largest request body; above it 413, as the real API.'),
    servedLog: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(0)
      .describe('How many answered calls to keep and show at GET /__served, without any content; 0 switches both off.'),
    rateLimits: rateLimitsConfig,
    traffic: trafficConfig,
  })
  .prefault({})
  .describe('The simulated provider: Anthropic Messages without a network, for demo, tests and benchmark.')

export type SimulatorConfig = z.infer<typeof simulatorConfig>
export type RateLimitsConfig = SimulatorConfig['rateLimits']
export type TrafficConfig = SimulatorConfig['traffic']

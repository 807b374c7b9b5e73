import { z } from 'zod'

const pattern = z.string().min(1).max(200)
const patterns = (what: string) =>
  z
    .array(pattern)
    .min(1, 'a list without a pattern would match nothing; leave it out')
    .max(200)
    .optional()
    .describe(`${what} One of the patterns must fit: \`*\` stands for any text, upper and lower case are the same.`)

const clock = '([01]\\d|2[0-3]):[0-5]\\d'
/** `22:00-06:00`: from (inclusive) and to (exclusive), over midnight where from is the later one. */
export const hoursPattern = new RegExp(`^${clock}-(${clock}|24:00)$`)

const condition = z.strictObject({
  models: patterns('The model as it was asked for, after aliases.'),
  domains: patterns('The domain of the call’s client key.'),
  headers: z
    .record(z.string().min(1).max(100), pattern)
    .optional()
    .describe(
      'Request headers by name, each with a pattern that its value must fit. Headers that carry credentials can not be asked.',
    ),
  thinking: z.boolean().optional().describe('Whether the request asks for thinking.'),
  background: z
    .boolean()
    .optional()
    .describe('Whether it is one of Claude Code’s auxiliary calls: a small model and no tools.'),
  images: z.boolean().optional().describe('Whether there is an image in the conversation, tool results included.'),
  minInputTokens: z
    .int()
    .min(0)
    .max(100_000_000)
    .optional()
    .describe('The prompt has at least so many tokens, by estimate.'),
  maxInputTokens: z
    .int()
    .min(0)
    .max(100_000_000)
    .optional()
    .describe('The prompt has at most so many tokens, by estimate.'),
  hours: z
    .string()
    .regex(hoursPattern, 'must be two times of day such as 22:00-06:00')
    .optional()
    .describe(
      'Time of day, such as `22:00-06:00`: from the first minute up to but not including the second, over midnight where the first is the later one. See `routing.timeZone`.',
    ),
})

const target = z.strictObject({
  provider: z
    .string()
    .min(1)
    .describe('A provider: one of those built in, or the name of one below `providers.custom`.'),
  model: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The model’s name there; the one that was asked for where it is left out.'),
  weight: z
    .number()
    .positive()
    .max(10_000)
    .default(1)
    .describe('Its share among the targets of the same priority. A session stays with its target.'),
  priority: z
    .int()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('Lower comes first; the next priority is tried where all targets of the lower one fail.'),
  maxConcurrent: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Calls at once from each worker; more go to the next target.'),
})

const route = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[\w.:-]+( [\w.:-]+)*$/, 'a name has letters from a to z, digits, blanks and . : - _')
    .describe('Stands on the record of each call that the route takes, and in its answer’s `x-signalbox-route`.'),
  when: condition
    .prefault({})
    .describe('What must hold; all of what is given. A route without conditions takes every call.'),
  targets: z.array(target).min(1, 'a route needs at least one target').max(50).describe('Where its calls go.'),
})

/** Where calls go. Read again while the gateway runs, whenever the file changes. */
export const routingConfig = z.strictObject({
  aliases: z
    .record(z.string().min(1).max(200), z.string().min(1).max(200))
    .default({})
    .describe(
      'Other names of models: `fast: claude-haiku-4-5`, or a provider’s with its name before it: `cheap: groq/llama-3.3-70b`. Looked up once, before the routes.',
    ),
  routes: z
    .array(route)
    .max(500)
    .default([])
    .describe(
      'The first route whose conditions hold takes the call; what none takes goes to `providers.default`. See routing.md.',
    ),
  failoverOnRateLimit: z
    .boolean()
    .default(false)
    .describe(
      'Whether a 429 is tried at the route’s next target. Off, the caller is told, who waits as long as the provider asks; a move would leave the session’s prompt cache behind.',
    ),
  timeZone: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe('Time zone of `hours`, such as `Europe/Berlin`; that of the machine where it is left out.'),
})
export type RoutingConfig = z.output<typeof routingConfig>

/** Headers that no rule may look at: a rule is configuration, and configuration is shown. */
const credentialHeaders = new Set([
  ...['authorization', 'x-api-key', 'x-signalbox-key', 'cookie', 'proxy-authorization', 'x-goog-api-key'],
  ...['api-key', 'x-auth-token', 'x-dashboard-key'],
])

export const carriesCredential = (header: string): boolean => credentialHeaders.has(header.toLowerCase())

/** The names that a record has for decisions that no route made. */
export const reservedRouteNames: readonly string[] = ['explicit', 'alias', 'default']

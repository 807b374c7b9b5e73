import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { flag, integer, isoTime, name, rangeFacts, source, tokens } from './scalars.ts'

/** Of one account in the window. `account_id` is null for calls that no account paid for (refused, caller's own key). */
export const accountUsage = z.object({
  account_id: z.string().nullable(),
  requests: z.number(),
  tokens_used: z.number(),
  /** Tokens the account may use in the window; null where nobody told us. */
  limit: z.number().nullable(),
  /** Of the provider's window as it told us, else `100 × tokens_used / limit`; null where neither is known. */
  percentage: z.number().nullable(),
  tokens,
  cost_usd: z.number(),
  window_start: isoTime,
  window_end: isoTime,
  /** When the provider said its own window starts anew; null where it did not. */
  resets_at: isoTime.nullable(),
  /** Which tokens `tokens_used` counts. */
  basis: z.string(),
  /** Who told of limit, percentage and reset: a header, or `none`. */
  source: z.string(),
  /** Age of what the provider told, in seconds; null where it told nothing. */
  sample_age_seconds: z.number().nullable(),
})

/** Contract A5: one account's usage with `accountId`, all accounts' without. */
export const currentUsage = defineEndpoint({
  method: 'GET',
  path: '/api/token-usage/current',
  auth: 'key',
  summary: 'Tokens used in the last `window` minutes (default 300), by account or of one account.',
  query: z.strictObject({ window: integer(1, 60 * 24 * 35).default(300), accountId: name.optional(), source }),
  response: z.union([
    accountUsage.extend({ window: z.number() }),
    z.object({
      window: z.number(),
      window_start: isoTime,
      window_end: isoTime,
      tokens_used: z.number(),
      accounts: z.array(accountUsage),
    }),
  ]),
})

const usageRow = z.object({
  /** Day in UTC, `2026-11-22`. */
  date: z.string(),
  requests: z.number(),
  tokens_used: z.number(),
  tokens,
  cost_usd: z.number(),
})

/** Contract A6: one row a day with `aggregate=true`, else one a day, domain and model. */
export const dailyUsage = defineEndpoint({
  method: 'GET',
  path: '/api/token-usage/daily',
  auth: 'key',
  summary: 'Tokens and cost by day (UTC) of the last `days` days (default 30).',
  query: z.strictObject({
    accountId: name.optional(),
    aggregate: flag.default(false),
    source,
    days: integer(1, 400).default(30),
  }),
  response: z.object({
    ...rangeFacts,
    account_id: z.string().nullable(),
    aggregate: z.boolean(),
    days: z.array(usageRow.extend({ domain: z.string().optional(), model: z.string().nullable().optional() })),
  }),
})

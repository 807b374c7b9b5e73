import { z } from 'zod'

const usd = z.number().nonnegative().max(1_000_000)

/** One price of one's own: it goes before the published list. Money is USD, as price lists print it. */
export const priceOverrideSchema = z.strictObject({
  provider: z.string().min(1).describe('Name of the provider as configured, or `*` for any.'),
  model: z
    .string()
    .min(1)
    .describe('Model name; a `*` at the end matches any rest. Upper and lower case are the same.'),
  effectiveFrom: z.iso.date().optional().describe('First day (UTC) of this price; without it, since ever.'),
  effectiveTo: z.iso.date().optional().describe('First day (UTC) on which it no longer holds; without it, for ever.'),
  inputPerMillion: usd.describe('USD per million input tokens that no cache served or took.'),
  outputPerMillion: usd.describe('USD per million output tokens, reasoning included.'),
  cacheReadPerMillion: usd.describe('USD per million tokens read from a prompt cache.'),
  cacheWrite5mPerMillion: usd.describe('USD per million tokens written to a cache for the short (usual) time.'),
  cacheWrite1hPerMillion: usd.describe('USD per million tokens written to a cache for one hour.'),
  webSearchPerThousand: usd.default(0).describe('USD per thousand web searches.'),
  note: z.string().max(500).optional().describe('Where this price comes from, for whoever reads it next year.'),
})

export type PriceOverride = z.infer<typeof priceOverrideSchema>

/** Settings of the recorder: how the journal becomes rows, and what a token costs. */
export const recorderConfigSchema = z.strictObject({
  batchRows: z.int().min(1).max(10_000).default(4_000).describe('Most rows written to the ledger in one batch.'),
  batchDelayMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(100)
    .describe('How long a row may wait for others to make a batch with, in milliseconds.'),
  queueRows: z
    .int()
    .min(1)
    .default(8_000)
    .describe(
      'Rows kept in memory while the database is slow or away (some 3 KB each); what is beyond stays in the journal on disk.',
    ),
  queueBytes: z
    .int()
    .min(1)
    .default(32 * 1024 * 1024)
    .describe('The same bound in bytes of journal records.'),
  writeTimeoutMs: z
    .int()
    .min(100)
    .default(60_000)
    .describe('A write to the ledger without an answer for so long counts as failed and is tried again.'),
  prices: z
    .array(priceOverrideSchema)
    .max(1_000)
    .default([])
    .describe('Prices of your own. They go before the published list; the first that matches is taken.'),
})

export type RecorderConfig = z.infer<typeof recorderConfigSchema>

import { z } from 'zod'

const days = (value: number, what: string, env: string) =>
  z.int().min(0).max(36_500).default(value).describe(`${what} 0 keeps them for good.`).meta({ env })

/**
 * How long rows are kept, in days, by kind of table. Whole partitions are dropped once their last row is older. Sums
 * live longer than what they sum up, so a chart may reach further back than the list of calls.
 */
export const retentionSchema = z.strictObject({
  rawDays: days(400, 'Days for which each call is kept as a row of its own.', 'RETENTION_RAW_DAYS'),
  minuteDays: days(35, 'Days for which sums by minute are kept; at least two.', 'RETENTION_MINUTE_DAYS').refine(
    (value) => value === 0 || value >= 2,
    'must be 0 (for good) or at least 2, because the figures of the last day are made of minutes',
  ),
  hourDays: days(400, 'Days for which sums by hour are kept.', 'RETENTION_HOUR_DAYS'),
  dayDays: days(0, 'Days for which sums by day are kept.', 'RETENTION_DAY_DAYS'),
  rateLimitDays: days(90, "Days for which samples of the accounts' limits are kept.", 'RETENTION_RATE_LIMIT_DAYS'),
})

export type Retention = z.infer<typeof retentionSchema>

/** The settings of the ledger's database. */
export const storeConfigSchema = z.strictObject({
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional()
    .describe(
      'Address of a PostgreSQL server (15 or later), such as postgres://user:password@host:5432/signalbox?sslmode=verify-full. Without it an embedded PostgreSQL runs in the data directory.',
    )
    .meta({ env: 'DATABASE_URL', secret: true }),
  databasePooler: z
    .enum(['auto', 'none', 'transaction'])
    .default('auto')
    .describe(
      'Whether a connection pooler such as PgBouncer stands before the server. `transaction`: then nothing is used that lives longer than a transaction, and changes are looked for every five seconds instead of being heard at once. `auto` finds a pooler by itself; `none` is for one that keeps sessions together.',
    )
    .meta({ env: 'DATABASE_POOLER' }),
  slowQueryThresholdMs: z
    .int()
    .min(1)
    .default(5_000)
    .describe('SQL statements slower than this many milliseconds are logged as "Slow SQL query", without their values.')
    .meta({ env: 'SLOW_QUERY_THRESHOLD_MS' }),
  writerConnections: z.int().min(1).max(50).default(4).describe('Most database connections that write.'),
  readerConnections: z
    .int()
    .min(1)
    .max(50)
    .default(4)
    .describe('Most database connections that answer the dashboard; the recorder has its own.'),
  readTimeoutMs: z
    .int()
    .min(100)
    .default(2_000)
    .describe('A query of the dashboard that takes longer than this many milliseconds is ended.'),
  partitions: z
    .enum(['month', 'day'])
    .default('month')
    .describe(
      'The length of one partition of the ledger. Days let RETENTION_RAW_DAYS drop exactly what is too old, and suit more than some ten million calls a month; a change holds for partitions made from then on.',
    )
    .meta({ env: 'LEDGER_PARTITIONS' }),
  retention: retentionSchema
    .prefault({})
    .describe('How long rows are kept. A partition is dropped as a whole, once the last of its rows is too old.'),
})

export type StoreConfig = z.infer<typeof storeConfigSchema>

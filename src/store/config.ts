import { z } from 'zod'

/** The settings of the ledger's database. */
export const storeConfigSchema = z.strictObject({
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional()
    .describe(
      'Address of a PostgreSQL server (14 or later), such as postgres://user:password@host:5432/signalbox?sslmode=verify-full. Without it an embedded PostgreSQL runs in the data directory.',
    )
    .meta({ env: 'DATABASE_URL', secret: true }),
  slowQueryThresholdMs: z
    .int()
    .min(1)
    .default(5_000)
    .describe('SQL statements slower than this many milliseconds are logged as "Slow SQL query", without their values.')
    .meta({ env: 'SLOW_QUERY_THRESHOLD_MS' }),
  writerConnections: z.int().min(1).max(50).default(4).describe('Most database connections that write.'),
  readerConnections: z.int().min(1).max(50).default(6).describe('Most database connections that answer the dashboard.'),
  readTimeoutMs: z
    .int()
    .min(100)
    .default(2_000)
    .describe('A query of the dashboard that takes longer than this many milliseconds is ended.'),
})

export type StoreConfig = z.infer<typeof storeConfigSchema>

import * as z from 'zod'

/** Settings of the dashboard's API. */
export const apiConfig = z.strictObject({
  dashboardApiKey: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'The key that opens the dashboard and its API (header `X-Dashboard-Key`). Generated at the first start and kept in the data directory when not set.',
    )
    .meta({ env: 'DASHBOARD_API_KEY', secret: true }),
  sessionHours: z
    .number()
    .min(0.1)
    .max(24 * 90)
    .default(24 * 7)
    .describe('How many hours a browser stays signed in to the dashboard.'),
  liveClientsLimit: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe('How many browsers and programs may follow `/api/sse` at once; more are refused with 503.'),
})

export type ApiConfig = z.infer<typeof apiConfig>

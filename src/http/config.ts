import { z } from 'zod'

/** Where the processes listen. */
export const httpConfig = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address that proxy and dashboard bind to. Beyond loopback a client key must exist.')
    .meta({ env: 'HOST' }),
  proxyPort: z
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('Port of the data plane; 0 picks a free one.')
    .meta({ env: 'PROXY_PORT' }),
  dashboardPort: z
    .int()
    .min(0)
    .max(65_535)
    .default(3001)
    .describe('Port of the dashboard and its API; 0 picks a free one.')
    .meta({ env: 'DASHBOARD_PORT' }),
  workers: z.int().min(1).max(64).default(1).describe('Gateway worker processes.').meta({ env: 'WORKERS' }),
  headTimeoutMs: z
    .int()
    .min(100)
    .default(20_000)
    .describe('Milliseconds a client may take to send its request head.')
    .meta({ env: 'HEAD_TIMEOUT_MS' }),
  maxHeaderBytes: z
    .int()
    .min(1024)
    .default(65_536)
    .describe('Largest request head in bytes; more is a 431.')
    .meta({ env: 'MAX_HEADER_BYTES' }),
  shutdownGraceMs: z
    .int()
    .min(0)
    .default(30_000)
    .describe('Milliseconds open streams get to end after a stop signal.')
    .meta({ env: 'SHUTDOWN_GRACE_MS' }),
})

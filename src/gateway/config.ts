import { z } from 'zod'

/** Limits of the data plane. */
export const gatewayConfig = z.strictObject({
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(1_073_741_824)
    .default(33_554_432)
    .describe('Largest request body in bytes; more is a 413. Anthropic’s own limit is 32 MB.')
    .meta({ env: 'MAX_BODY_BYTES' }),
  bodyIdleMs: z
    .int()
    .min(100)
    .default(30_000)
    .describe('Milliseconds without a byte of the request body before the call is refused with 408.')
    .meta({ env: 'BODY_IDLE_MS' }),
  headersTimeoutMs: z
    .int()
    .min(100)
    .default(600_000)
    .describe(
      'Milliseconds a provider may take for its response head. Long, because a call that does not stream is silent until it is done.',
    )
    .meta({ env: 'UPSTREAM_HEADERS_TIMEOUT_MS' }),
  idleTimeoutMs: z
    .int()
    .min(100)
    .default(300_000)
    .describe('Milliseconds without a byte before a stream counts as stuck. There is no limit on its total time.')
    .meta({ env: 'UPSTREAM_IDLE_TIMEOUT_MS' }),
  connectAttempts: z
    .int()
    .min(1)
    .max(5)
    .default(3)
    .describe('Tries to reach a provider when the connection itself fails, before anything was sent.')
    .meta({ env: 'CONNECT_ATTEMPTS' }),
  maxInFlight: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Calls in flight per worker; more are shed with 529.')
    .meta({ env: 'MAX_IN_FLIGHT' }),
})
export type GatewayConfig = z.output<typeof gatewayConfig>

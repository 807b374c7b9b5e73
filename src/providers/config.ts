import { z } from 'zod'
import { Secret } from '../core/secret.ts'

const httpUrl = z.url({ protocol: /^https?$/ })

const secret = z
  .union([z.string().min(1), z.instanceof(Secret)])
  .transform((value) => (value instanceof Secret ? value : new Secret(value)))

/** Settings of the providers; a provider without a key passes the caller's own credential through where it may. */
export const providersConfig = z.strictObject({
  default: z
    .enum(['anthropic', 'simulated'])
    .default('anthropic')
    .describe('The provider that takes calls no route claims.')
    .meta({ env: 'DEFAULT_PROVIDER' }),
  anthropic: z
    .strictObject({
      baseUrl: httpUrl
        .default('https://api.anthropic.com')
        .describe('Address of the Anthropic API. Never ANTHROPIC_BASE_URL, which is the client’s variable.')
        .meta({ env: 'ANTHROPIC_UPSTREAM_URL' }),
      apiKey: secret
        .optional()
        .describe(
          'A key the gateway owns. It replaces the gateway key of callers; without it their own credential passes through.',
        )
        .meta({ env: 'ANTHROPIC_API_KEY', secret: true }),
    })
    .prefault({}),
  simulated: z
    .strictObject({
      baseUrl: httpUrl
        .optional()
        .describe(
          'Address of a simulated provider that runs elsewhere; without it one is started on this machine when it is the default.',
        )
        .meta({ env: 'SIMULATED_UPSTREAM_URL' }),
    })
    .prefault({}),
})
export type ProvidersConfig = z.output<typeof providersConfig>

import { z } from 'zod'
import { Secret } from '../core/secret.ts'
import type { ProviderDefinition } from './define.ts'
import { type customProviders, type ProviderName, providers } from './index.ts'

const httpUrl = z.url({ protocol: /^https?$/ })

const secret = z
  .union([z.string().min(1), z.instanceof(Secret)])
  .transform((value) => (value instanceof Secret ? value : new Secret(value)))

/** The settings of one provider. */
export interface ProviderSection {
  readonly baseUrl?: string | undefined
  readonly apiKey?: Secret | undefined
  /** A word of the definition's `ways`; the first where it is left out. */
  readonly dialect?: string | undefined
}

export interface CustomSection extends ProviderSection {
  readonly type: keyof typeof customProviders
  readonly baseUrl: string
}

type Section = z.ZodPrefault<z.ZodType<ProviderSection, ProviderSection>>

/** The section of a provider, from its definition: a new provider has its settings by being in the list. */
function sectionOf(definition: ProviderDefinition): Section {
  const { title, env, key } = definition
  const words = Object.keys(definition.ways)
  const shape = {
    baseUrl: baseUrlOf(definition),
    ...(key !== 'none' && {
      apiKey: secret
        .optional()
        .describe(keyTexts[key] ?? `The gateway’s key for ${title}; without it ${title} is not offered.`)
        .meta({ env: `${env}_API_KEY`, secret: true }),
    }),
    ...(words.length > 1 && {
      dialect: z
        .enum(words)
        .default(words[0] ?? '')
        .describe(`How ${title} is spoken to; docs/providers.md tells the difference.`)
        .meta({ env: `${env}_DIALECT` }),
    }),
  }
  // The shape is made of the definition; what comes out of it is what the interface says.
  const section = z.strictObject(shape) as unknown as z.ZodType<ProviderSection, ProviderSection>
  return section.prefault({})
}

const keyTexts: Readonly<Partial<Record<ProviderDefinition['key'], string>>> = {
  caller:
    'A key the gateway owns. It replaces the gateway key of callers; without it their own credential passes through.',
  optional: 'A key, where the server asks for one.',
}

function baseUrlOf({ type, title, baseUrl, env }: ProviderDefinition): z.ZodType {
  const meta = { env: `${env}_UPSTREAM_URL` }
  if (baseUrl === null)
    return httpUrl
      .optional()
      .describe(
        'Address of a simulated provider that runs elsewhere; without it one is started on this machine when it is the default.',
      )
      .meta(meta)
  const warning = type === 'anthropic' ? ' Never ANTHROPIC_BASE_URL, which is the client’s variable.' : ''
  return httpUrl.default(baseUrl).describe(`Address of ${title}’s API.${warning}`).meta(meta)
}

const sections = Object.fromEntries(
  Object.entries(providers).map(([name, definition]) => [name, sectionOf(definition)]),
) as Record<ProviderName, Section> // the keys are those of the list

const customSection = z.strictObject({
  type: z
    .enum(['openai-compatible', 'anthropic-compatible'])
    .describe('Which API the server speaks: OpenAI’s chat completions, or Anthropic’s Messages.'),
  baseUrl: httpUrl.describe('Its address, such as http://localhost:8000/v1.'),
  apiKey: secret.optional().describe('A key, where the server asks for one.').meta({ secret: true }),
  dialect: z
    .enum(['chat', 'messages', 'claude'])
    .optional()
    .describe(
      '`claude` for an anthropic-compatible server that leads to Claude itself: bytes then pass untouched. Left out otherwise.',
    ),
})

/** Settings of the providers; one without the key it needs is not offered. */
export const providersConfig = z.strictObject({
  default: z
    .string()
    .min(1)
    .default('anthropic')
    .describe('The provider that takes calls no route claims: any that is offered.')
    .meta({ env: 'DEFAULT_PROVIDER' }),
  checkIntervalMinutes: z
    .int()
    .min(0)
    .max(10_080)
    .default(0)
    .describe(
      'Minutes between checks of all offered providers with calls that cost no tokens, such as the list of models; 0 for none. Real traffic tells how they are in any case, and `signalbox providers check` asks at once.',
    )
    .meta({ env: 'PROVIDER_CHECK_INTERVAL_MINUTES' }),
  ...sections,
  custom: z
    .record(z.string(), customSection)
    .default({})
    .describe('Servers of your own by name: vLLM, LM Studio, llama.cpp, a corporate gateway.'),
})
export type ProvidersConfig = z.output<typeof providersConfig>

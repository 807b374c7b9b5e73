import type { Secret } from '../core/secret.ts'
import type { Target } from '../core/upstream.ts'
import type { ProviderSection, ProvidersConfig } from './config.ts'
import { addressOf, type ProviderDefinition, toTarget } from './define.ts'
import { customProviders, providers } from './index.ts'

/** A provider with its settings: what could be called, and why not where it can not. */
export interface ConfiguredProvider {
  /** The name that routes and callers use: its type, or the operator's own. */
  readonly name: string
  readonly definition: ProviderDefinition
  /** Where its settings stand: `providers.groq`. */
  readonly path: string
  /** The word of its `dialect`. */
  readonly dialect: string
  /** The address as it is used; null where none is known. */
  readonly url: URL | null
  readonly apiKey: Secret | null
  /** Whether the operator set it up: Ollama needs nothing, and so is offered where nobody thought of it. */
  readonly setUp: boolean
  /** What is missing before it is offered, as a setting's path; null for those that are offered. */
  readonly missing: string | null
}

/** All providers there are, offered or not, custom ones last. `simulatedUrl`: the one that runs on this machine. */
export function configuredProviders(
  config: ProvidersConfig,
  simulatedUrl: string | null = null,
): readonly ConfiguredProvider[] {
  const builtIn = Object.entries(providers).map(([name, definition]) => {
    const section: ProviderSection = config[name as keyof typeof providers] // the keys are those of the list
    const baseUrl = section.baseUrl ?? (name === 'simulated' ? simulatedUrl : null)
    return configured(name, definition, { ...section, baseUrl: baseUrl ?? undefined }, `providers.${name}`)
  })
  const custom = Object.entries(config.custom).map(([name, section]) =>
    configured(name, customProviders[section.type], section, `providers.custom.${name}`),
  )
  return [...builtIn, ...custom]
}

function configured(
  name: string,
  definition: ProviderDefinition,
  section: ProviderSection,
  path: string,
): ConfiguredProvider {
  const words = Object.keys(definition.ways)
  const dialect = section.dialect ?? words[0] ?? ''
  const url = section.baseUrl === undefined ? null : addressOf(definition, section.baseUrl)
  const apiKey = section.apiKey ?? null
  return {
    name,
    definition,
    path,
    dialect,
    url,
    apiKey,
    setUp: apiKey !== null || (section.baseUrl !== undefined && section.baseUrl !== definition.baseUrl),
    missing:
      definition.ways[dialect] === undefined
        ? `${path}.dialect`
        : url === null
          ? `${path}.baseUrl`
          : definition.key === 'required' && apiKey === null
            ? `${path}.apiKey`
            : null,
  }
}

/** A model of an offered provider as a place to send calls to; null for a provider that is not offered. */
export function targetOf(
  { name, definition, dialect, url, apiKey, missing }: ConfiguredProvider,
  model: string | null,
): Target | null {
  if (missing !== null || url === null) return null
  return toTarget(definition, { name, baseUrl: url.href, apiKey, dialect }, model)
}

/** Those that a look at all of them is about: offered, and meant by the operator. */
export const worthChecking = (
  providers: readonly ConfiguredProvider[],
  defaultName: string,
): readonly ConfiguredProvider[] =>
  providers.filter(({ name, missing, setUp }) => missing === null && (setUp || name === defaultName))

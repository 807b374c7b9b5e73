import type { Dialect, ModelFacts } from '../core/dialect.ts'
import type { Secret } from '../core/secret.ts'
import type { Credential, Target } from '../core/upstream.ts'

/** One way to speak to a provider: a wire format, and how a call is signed in it. */
export interface Way {
  /** Null for the native one, whose bytes pass untouched. */
  readonly dialect: Dialect | null
  /** The headers that carry the credential, name and value in turn. */
  sign(credential: Credential | null): readonly string[]
}

/** A call that costs no tokens and says whether address and key are right. */
export interface Probe {
  /** Under the base address; a GET. */
  readonly path: string
  sign(credential: Credential | null): readonly string[]
  /** False where the provider answers it without a key too: then it tells nothing about the key. */
  readonly judgesKey: boolean
}

/** What is known of a provider's models, as of a month. The first row that fits a name counts. */
export interface ModelTable {
  readonly asOf: string
  readonly rows: readonly (readonly [RegExp, ModelFacts])[]
}

/** What its page in the documentation says beside what is generated. */
export interface ProviderPage {
  /** A model's name as an example. */
  readonly model: string
  readonly keysAt: string | null
  /** Whole sentences about the setup, and what is not carried. */
  readonly notes: readonly string[]
}

/** One provider: where it is, how it is spoken to, what its models can. */
export interface ProviderDefinition {
  readonly type: string
  readonly title: string
  /** Its documented address; null where only the operator knows it. */
  readonly baseUrl: string | null
  /** Whether the base address is the server's root, to which a version in its path does not belong. */
  readonly baseIsRoot: boolean
  /** Prefix of its environment variables; null for providers that are named in the file alone. */
  readonly env: string | null
  /** `required`: without a key it is not offered. `caller`: without one the caller's own credential passes through. */
  readonly key: 'required' | 'optional' | 'caller' | 'none'
  /** By the word of the setting `dialect`; the first is the default. */
  readonly ways: Readonly<Record<string, Way>>
  readonly models: ModelTable
  readonly probe: Probe | null
  readonly page: ProviderPage
}

type Defaults = 'baseIsRoot' | 'key' | 'models'

/** Fills in what most providers have in common. */
export const defineProvider = (
  definition: Omit<ProviderDefinition, Defaults> & Partial<Pick<ProviderDefinition, Defaults>>,
): ProviderDefinition => ({ baseIsRoot: false, key: 'required', models: { asOf: '2026-11', rows: [] }, ...definition })

/** The facts of a model. One that no row knows has none, and is then treated as one of the provider's newest. */
export const factsOf = ({ models }: ProviderDefinition, model: string): ModelFacts =>
  models.rows.find(([name]) => name.test(model))?.[1] ?? {}

/** The settings of one provider that is in use. */
export interface ProviderSettings {
  readonly baseUrl: string
  readonly apiKey?: Secret | null | undefined
  /** A word of the definition's `ways`; the first where it is left out. */
  readonly dialect?: string | undefined
  /** The name that routes and callers use, where it is not the type. */
  readonly name?: string
}

/** A provider and its settings as a place to send calls to. */
export function toTarget(
  provider: ProviderDefinition,
  settings: ProviderSettings,
  model: string | null = null,
): Target {
  const { name = provider.type } = settings
  const url = addressOf(provider, settings.baseUrl)
  const { dialect, sign } = wayOf(provider, settings.dialect)
  return {
    provider: name,
    origin: url.origin,
    pathPrefix: prefixOf(url),
    credential: credentialOf(settings.apiKey ?? null),
    account: name,
    acceptsCallerCredential: provider.key === 'caller',
    sign,
    model,
    translation: dialect === null ? null : { dialect, model: model ?? '', facts: factsOf(provider, model ?? '') },
  }
}

/** The way of a word; the first for words that are none of the provider's, which the configuration refuses. */
export function wayOf({ ways }: ProviderDefinition, word: string | undefined): Way {
  const way = (word === undefined ? undefined : ways[word]) ?? Object.values(ways)[0]
  if (way === undefined) throw new Error('a provider without a way to speak to it')
  return way
}

/**
 * The base address as calls are put under it. A version stands in it where the provider's own address has one: it is added
 * where only a host was given, and taken off where calls bring it along.
 */
export function addressOf({ baseUrl, baseIsRoot }: ProviderDefinition, given: string): URL {
  const url = new URL(given)
  url.search = ''
  url.hash = ''
  const path = url.pathname.replace(/\/+$/, '')
  if (baseIsRoot) url.pathname = path.replace(/\/v\d+(beta)?$/, '')
  else if (path === '' && baseUrl !== null) url.pathname = new URL(baseUrl).pathname
  return url
}

export const prefixOf = (url: URL): string => url.pathname.replace(/\/+$/, '')

/** The gateway's own credential; null where it has none. A login token is bound to Anthropic's host, however it came. */
export function credentialOf(apiKey: Secret | null): Credential | null {
  if (apiKey === null) return null
  return { kind: apiKey.reveal().startsWith('sk-ant-oat') ? 'oauth' : 'api-key', secret: apiKey }
}

/**
 * The Messages path where it can say all of a request, the other format for the rest. `carries` judges the request alone,
 * so that the answer is read the way the request went.
 */
export function preferring(
  first: Dialect,
  carries: (request: Parameters<Dialect['toUpstream']>[0]) => boolean,
  second: Dialect,
): Dialect {
  const pick = (request: Parameters<Dialect['toUpstream']>[0]): Dialect => (carries(request) ? first : second)
  return {
    name: first.name,
    toUpstream: (request, target) => pick(request).toUpstream(request, target),
    fromUpstream: (body, context, form) => pick(context.request).fromUpstream(body, context, form),
    translateStream: (context) => pick(context.request).translateStream(context),
    // Both read errors in either's shape.
    toFailure: second.toFailure,
    recover: (status, body, context, form) => pick(context.request).recover?.(status, body, context, form) ?? null,
  }
}

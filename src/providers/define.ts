import type { Secret } from '../core/secret.ts'
import type { Credential, Target } from '../core/upstream.ts'

/** One provider: its dialect, how it signs, whether callers may bring their own credential. */
export interface ProviderDefinition {
  readonly type: string
  readonly dialect: 'anthropic'
  readonly acceptsCallerCredential: boolean
  sign(credential: Credential | null): readonly string[]
}

export const defineProvider = (definition: ProviderDefinition): ProviderDefinition => definition

/** The settings of one configured provider. */
export interface ProviderSettings {
  readonly baseUrl: string
  readonly apiKey?: Secret | undefined
}

/** A provider and its settings as a place to send calls to. */
export function toTarget(
  provider: ProviderDefinition,
  settings: ProviderSettings,
  model: string | null = null,
): Target {
  const url = new URL(settings.baseUrl)
  return {
    provider: provider.type,
    origin: url.origin,
    pathPrefix: url.pathname.replace(/\/+$/, ''),
    credential: settings.apiKey === undefined ? null : { kind: 'api-key', secret: settings.apiKey },
    account: provider.type,
    acceptsCallerCredential: provider.acceptsCallerCredential,
    sign: provider.sign,
    model,
    translation: null,
  }
}

import type { Credential } from '../core/upstream.ts'

/** Anthropic's two forms: an API key in `x-api-key`, tokens as bearer. Exactly one header. */
export function signAnthropic(credential: Credential | null): readonly string[] {
  if (credential === null) return []
  const value = credential.secret.reveal()
  return credential.kind === 'api-key' ? ['x-api-key', value] : ['authorization', `Bearer ${value}`]
}

import type { Credential } from '../core/upstream.ts'

/** Google's form: the key in `x-goog-api-key`, never in the address, where it would leak into errors and logs. */
export function signGoogle(credential: Credential | null): readonly string[] {
  if (credential === null) return []
  const value = credential.secret.reveal()
  return credential.kind === 'api-key' ? ['x-goog-api-key', value] : ['authorization', `Bearer ${value}`]
}

import type { Credential } from '../core/upstream.ts'

/** Google's header for API keys. Never `?key=`: addresses leak through error texts and logs. */
export const signGoogle = (credential: Credential | null): readonly string[] =>
  credential === null ? [] : ['x-goog-api-key', credential.secret.reveal()]

import type { Credential } from '../core/upstream.ts'

/** `authorization: Bearer …`, as OpenAI's API and its relatives want it. */
export const signBearer = (credential: Credential | null): readonly string[] =>
  credential === null ? [] : ['authorization', `Bearer ${credential.secret.reveal()}`]

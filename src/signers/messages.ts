import type { Credential } from '../core/upstream.ts'

const version = ['anthropic-version', '2023-06-01'] as const

/** As Anthropic's own clients sign, for others that speak Messages; the version is part of the format. */
export const signMessages = (credential: Credential | null): readonly string[] =>
  credential === null ? version : [...version, 'x-api-key', credential.secret.reveal()]

/** The same where a bearer is wanted. */
export const signMessagesBearer = (credential: Credential | null): readonly string[] =>
  credential === null ? version : [...version, 'authorization', `Bearer ${credential.secret.reveal()}`]

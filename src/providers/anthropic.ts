import { signAnthropic } from '../signers/api-key.ts'
import { defineProvider } from './define.ts'

/** Anthropic's own API: the native dialect, bytes pass untouched. */
export const anthropic = defineProvider({
  type: 'anthropic',
  dialect: 'anthropic',
  acceptsCallerCredential: true,
  sign: signAnthropic,
})

import { defineProvider } from './define.ts'

/** The simulated provider: speaks Anthropic Messages on this machine, asks for no key and is given none. */
export const simulated = defineProvider({
  type: 'simulated',
  dialect: 'anthropic',
  acceptsCallerCredential: false,
  sign: () => [],
})

import { anthropic } from './anthropic.ts'
import { anthropicCompatible } from './anthropic-compatible.ts'
import { deepseek } from './deepseek.ts'
import { gemini } from './gemini.ts'
import { groq } from './groq.ts'
import { mistral } from './mistral.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { openAiCompatible } from './openai-compatible.ts'
import { openrouter } from './openrouter.ts'
import { simulated } from './simulated.ts'
import { xai } from './xai.ts'

/** Every provider, one line each. Configuration, labels and documentation derive from this list. */
export const providers = {
  anthropic,
  openai,
  groq,
  gemini,
  mistral,
  xai,
  ollama,
  deepseek,
  openrouter,
  simulated,
} as const

/** Servers of the operator's: any number of them, each under a name of its own. */
export const customProviders = {
  'openai-compatible': openAiCompatible,
  'anthropic-compatible': anthropicCompatible,
} as const

export type ProviderName = keyof typeof providers

export { factsOf, type Probe, type ProviderDefinition } from './define.ts'

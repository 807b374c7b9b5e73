/**
 * What the providers that speak Anthropic's Messages besides Anthropic do differently, as data. Sources: their own pages
 * about the compatibility, as of 2026-11. Claude's features that only Anthropic's servers have are not there for any of them.
 */
export interface MessagesQuirks {
  /** Under the provider's base address. */
  readonly path: string
  /** Fields that go through besides the model, the conversation, `max_tokens` and `stream`. */
  readonly fields: ReadonlySet<string>
  /** Whether `cache_control` may stand on blocks: never, always, or where the model's facts say so. */
  readonly cacheControl: 'never' | 'always' | 'by-model'
  readonly imageUrls: boolean
  /** Documents other than text, which always goes as text. */
  readonly documents: boolean
  /** Takes `{"type":"adaptive"}`; else thinking is switched on with a budget. */
  readonly adaptiveThinking: boolean
  /** Takes a keyed hash as `metadata.user_id`. */
  readonly userId: boolean
  /** Path of the real charge in USD, in `usage`. */
  readonly cost: string | null
}

const usual = ['temperature', 'top_p', 'stop_sequences', 'tools', 'tool_choice', 'thinking']

export const ollama: MessagesQuirks = {
  path: '/v1/messages',
  fields: new Set(['temperature', 'top_p', 'top_k', 'stop_sequences', 'tools', 'thinking']),
  cacheControl: 'never',
  imageUrls: false,
  documents: false,
  adaptiveThinking: false,
  userId: false,
  cost: null,
}

export const deepseek: MessagesQuirks = {
  ...ollama,
  path: '/anthropic/v1/messages',
  fields: new Set([...usual, 'output_config']),
}

export const openrouter: MessagesQuirks = {
  path: '/v1/messages',
  fields: new Set([...usual, 'top_k', 'output_config']),
  cacheControl: 'by-model',
  imageUrls: true,
  documents: true,
  adaptiveThinking: true,
  userId: true,
  cost: 'cost',
}

/** A server of the operator's: vLLM, LM Studio, llama.cpp. */
export const compatible: MessagesQuirks = {
  path: '/v1/messages',
  fields: new Set([...usual, 'top_k', 'output_config']),
  cacheControl: 'always',
  imageUrls: true,
  documents: true,
  adaptiveThinking: false,
  userId: false,
  cost: null,
}

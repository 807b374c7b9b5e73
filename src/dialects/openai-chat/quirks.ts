/**
 * What the providers that speak chat completions do differently, as data: one constant each, no code. Sources: the
 * providers' API references and recorded answers, as of 2026-11; what hangs on a model and not on its provider comes with
 * the target's facts instead.
 */

/** A message role whose content may be a list of parts. */
export type PartsRole = 'system' | 'user' | 'assistant'

/** Where a provider tells its counts. Paths into `usage`, the first that is a number counts. */
export interface UsageQuirks {
  readonly cacheRead: readonly string[]
  readonly cacheWrite: readonly string[]
  /** Input that no cache held, where it is told by itself instead of being the rest of the prompt. */
  readonly uncached: readonly string[]
  /** Whether reasoning is inside the completion's count; `by-total` where only `total_tokens` can say so. */
  readonly reasoning: 'included' | 'separate' | 'by-total'
  /** More read from the cache than the prompt held: the prompt is all uncached input then (xAI), else it is all read. */
  readonly excessReadIsOutside: boolean
  /** Path of the real charge in USD. */
  readonly cost: string | null
}

export interface ChatQuirks {
  /** Under the provider's base address. */
  readonly path: string
  readonly tokenLimit: 'max_tokens' | 'max_completion_tokens' | 'by-model'
  /** Reasoning models are instructed by `developer` messages. */
  readonly developerRole: boolean
  /** Takes system messages in the middle; else they are user text in `<system-reminder>`. */
  readonly systemInPlace: boolean
  /** Roles whose content may be a list of text parts; for others texts are joined. */
  readonly textParts: readonly PartsRole[]
  /** Content of an assistant message that has calls and no text. */
  readonly emptyContent: null | ''
  /** Whether models exist that take `cache_control`; the facts say which. */
  readonly cacheControl: boolean
  readonly imageUrl: 'object' | 'string'
  readonly documents: 'file' | 'document_url' | 'none'
  /** Whether a document may be given by its address. */
  readonly documentUrls: boolean
  /** Ids of calls it takes; others are mapped to `length` characters after `prefix`. Null: any. */
  readonly callId: { readonly fits: RegExp; readonly prefix: string; readonly length: number } | null
  /** A user message may not follow a tool message directly. */
  readonly assistantAfterTool: boolean
  /** An assistant message at the end is marked with `prefix`. */
  readonly prefixMark: boolean
  /** How reasoning goes back in the next turn. */
  readonly reasoningBack: 'none' | 'reasoning' | 'reasoning_content' | 'thinking-parts' | 'reasoning_details'
  /** From this generation on the reasoning field stands on every assistant turn; before, only on the turns of the last user's. */
  readonly reasoningEveryTurnFrom: number | null
  readonly toolChoice: { readonly any: 'required' | 'any'; readonly one: 'named' | 'filtered' }
  readonly parallelSwitch: boolean
  readonly temperatureMax: number
  readonly topK: boolean
  /** Reasoning models refuse `temperature` and `top_p`, unless their effort is `none`. */
  readonly samplingRefused: boolean
  /** Most stop sequences, where the facts do not say. */
  readonly stopSequences: number
  readonly effort: 'reasoning_effort' | 'reasoning' | 'thinking' | 'none'
  /** Words for effort of a model without facts, from low to high. */
  readonly efforts: readonly string[]
  readonly jsonSchema: boolean
  readonly userField: 'user' | 'safety_identifier' | null
  /** Takes `stream_options.include_usage`. */
  readonly streamOptions: boolean
  /** `additionalProperties: false` is refused in tool schemas. */
  readonly openSchemas: boolean
  /** Models may begin their answer with reasoning in `<think>` tags. */
  readonly thinkTags: boolean
  /** The same piece of reasoning may come twice in a row. */
  readonly repeatsReasoning: boolean
  readonly usage: UsageQuirks
}

const cached = 'prompt_tokens_details.cached_tokens'

/** OpenAI's own, and what all others are told apart from. */
export const openai: ChatQuirks = {
  path: '/chat/completions',
  tokenLimit: 'by-model',
  developerRole: true,
  systemInPlace: true,
  textParts: ['system', 'user', 'assistant'],
  emptyContent: null,
  cacheControl: false,
  imageUrl: 'object',
  documents: 'file',
  documentUrls: false,
  // OpenAI refuses ids of more than 40 characters; ids of other providers in the history can be longer.
  callId: { fits: /^.{1,40}$/s, prefix: 'call_', length: 24 },
  assistantAfterTool: false,
  prefixMark: false,
  reasoningBack: 'none',
  reasoningEveryTurnFrom: null,
  toolChoice: { any: 'required', one: 'named' },
  parallelSwitch: true,
  temperatureMax: 2,
  topK: false,
  samplingRefused: true,
  stopSequences: 4,
  effort: 'reasoning_effort',
  efforts: ['none', 'low', 'medium', 'high', 'xhigh'],
  jsonSchema: true,
  userField: 'safety_identifier',
  streamOptions: true,
  openSchemas: false,
  thinkTags: false,
  repeatsReasoning: false,
  usage: {
    cacheRead: [cached],
    cacheWrite: ['prompt_tokens_details.cache_write_tokens'],
    uncached: [],
    reasoning: 'included',
    excessReadIsOutside: false,
    cost: null,
  },
}

/** What every server of the format takes, without what only OpenAI has. */
const common: ChatQuirks = {
  ...openai,
  tokenLimit: 'max_tokens',
  developerRole: false,
  textParts: ['system', 'user'],
  documents: 'none',
  callId: null,
  samplingRefused: false,
  efforts: [],
  userField: 'user',
  usage: { ...openai.usage, cacheWrite: [] },
}

export const groq: ChatQuirks = { ...common, reasoningBack: 'reasoning', thinkTags: true }

export const mistral: ChatQuirks = {
  ...common,
  systemInPlace: false,
  textParts: ['system', 'user', 'assistant'],
  emptyContent: '',
  imageUrl: 'string',
  documents: 'document_url',
  documentUrls: true,
  callId: { fits: /^[a-zA-Z0-9]{9}$/, prefix: '', length: 9 },
  assistantAfterTool: true,
  prefixMark: true,
  reasoningBack: 'thinking-parts',
  toolChoice: { any: 'any', one: 'filtered' },
  temperatureMax: 1.5,
  userField: null,
  streamOptions: false,
  usage: {
    ...common.usage,
    cacheRead: ['num_cached_tokens', cached, 'prompt_token_details.cached_tokens'],
  },
}

export const xai: ChatQuirks = {
  ...common,
  tokenLimit: 'max_completion_tokens',
  emptyContent: '',
  stopSequences: 0,
  openSchemas: true,
  repeatsReasoning: true,
  usage: { ...common.usage, reasoning: 'separate', excessReadIsOutside: true },
}

export const deepseek: ChatQuirks = {
  ...common,
  emptyContent: '',
  reasoningBack: 'reasoning_content',
  reasoningEveryTurnFrom: 4,
  parallelSwitch: false,
  stopSequences: 16,
  effort: 'thinking',
  jsonSchema: false,
  userField: null,
  usage: {
    ...common.usage,
    cacheRead: ['prompt_cache_hit_tokens', cached],
    uncached: ['prompt_cache_miss_tokens'],
  },
}

export const openrouter: ChatQuirks = {
  ...common,
  textParts: ['system', 'user', 'assistant'],
  cacheControl: true,
  documents: 'file',
  documentUrls: true,
  reasoningBack: 'reasoning_details',
  topK: true,
  effort: 'reasoning',
  efforts: ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'],
  thinkTags: true,
  usage: { ...openai.usage, cost: 'cost' },
}

/** The base address is the server's root, which its Messages path shares. */
export const ollama: ChatQuirks = {
  ...common,
  path: '/v1/chat/completions',
  emptyContent: '',
  parallelSwitch: false,
  userField: null,
  thinkTags: true,
  usage: { ...common.usage, cacheRead: [] },
}

/** A server of the operator's: vLLM, LM Studio, llama.cpp, a corporate gateway. */
export const compatible: ChatQuirks = {
  ...common,
  emptyContent: '',
  userField: null,
  thinkTags: true,
  usage: { ...openai.usage, reasoning: 'by-total' },
}

import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { defineProvider } from './define.ts'

const textOnly = { images: false, documents: false, reasoning: false } as const

/** Groq: open models, chat completions. */
export const groq = defineProvider({
  type: 'groq',
  title: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  env: 'GROQ',
  ways: { chat: { dialect: openAiChat(chatQuirks.groq), sign: signBearer } },
  models: {
    asOf: '2026-11',
    rows: [
      [/gpt-oss/, { ...textOnly, reasoning: true, maxOutputTokens: 65_536, efforts: ['low', 'medium', 'high'] }],
      [
        /qwen-?3/,
        { ...textOnly, reasoning: true, maxOutputTokens: 40_960, jsonSchema: false, efforts: ['none', 'default'] },
      ],
      [/llama-4/, { documents: false, reasoning: false, maxOutputTokens: 8_192, efforts: [] }],
      [/llama-?3|gemma|mixtral|allam|compound/, { ...textOnly, jsonSchema: false, efforts: [] }],
      [/kimi-k2/, { ...textOnly, maxOutputTokens: 16_384, efforts: [] }],
    ],
  },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'openai/gpt-oss-120b',
    keysAt: 'https://console.groq.com/keys',
    notes: [
      'Images for models that see them, no documents.',
      'A tool call that Groq could not parse (`tool_use_failed`) is delivered where it is a valid call after all, else it is an error.',
    ],
  },
})

import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { openAiResponses } from '../dialects/openai-responses/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { defineProvider } from './define.ts'

/** OpenAI: chat completions, or the Responses API, whose models think across turns. */
export const openai = defineProvider({
  type: 'openai',
  title: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  env: 'OPENAI',
  ways: {
    chat: { dialect: openAiChat(chatQuirks.openai), sign: signBearer },
    responses: { dialect: openAiResponses, sign: signBearer },
  },
  models: {
    asOf: '2026-11',
    rows: [
      [/^(ft:)?gpt-3\.5/, { reasoning: false, images: false, documents: false, maxOutputTokens: 4_096, efforts: [] }],
      [/^(ft:)?gpt-4-turbo/, { reasoning: false, maxOutputTokens: 4_096, efforts: [] }],
      [
        /^(ft:)?gpt-4(-\d{4})?$/,
        { reasoning: false, images: false, documents: false, maxOutputTokens: 8_192, efforts: [] },
      ],
      [/^(ft:)?(gpt-4o|chatgpt-4o)/, { reasoning: false, maxOutputTokens: 16_384, efforts: [] }],
      [/^(ft:)?gpt-4\.1/, { reasoning: false, maxOutputTokens: 32_768, efforts: [] }],
      [/^gpt-[5-9][\d.]*-chat/, { reasoning: false, maxOutputTokens: 16_384, efforts: [] }],
      [
        /^o[34](-|$)/,
        { reasoning: true, stopSequences: 0, maxOutputTokens: 100_000, efforts: ['low', 'medium', 'high'] },
      ],
      [/^o\d/, { reasoning: true, maxOutputTokens: 100_000, efforts: ['low', 'medium', 'high'] }],
      [/^gpt-5(\.\d)?-pro/, { reasoning: true, maxOutputTokens: 272_000, efforts: ['high'] }],
      [/^gpt-5[\d.]*-codex/, { reasoning: true, maxOutputTokens: 128_000, efforts: ['low', 'medium', 'high'] }],
      [/^gpt-5(-|$)/, { reasoning: true, maxOutputTokens: 128_000, efforts: ['minimal', 'low', 'medium', 'high'] }],
      [/^gpt-5\.1/, { reasoning: true, maxOutputTokens: 128_000, efforts: ['none', 'low', 'medium', 'high'] }],
      [/^gpt-oss/, { reasoning: false, images: false, documents: false, efforts: ['low', 'medium', 'high'] }],
    ],
  },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'gpt-5',
    keysAt: 'https://platform.openai.com/api-keys',
    notes: [
      '`dialect: responses` uses the Responses API instead of chat completions: its reasoning goes back to it in the next turn. Nothing is stored there.',
      'Reasoning text is not shown by OpenAI. Images, and PDF as base64; no PDF by address.',
      'At most 4 stop sequences, none for o3 and o4-mini; more are refused.',
    ],
  },
})

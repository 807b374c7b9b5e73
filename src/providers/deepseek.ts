import { anthropicMessages, messagesQuirks } from '../dialects/anthropic/index.ts'
import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { signMessages } from '../signers/messages.ts'
import { defineProvider } from './define.ts'

/** DeepSeek: its Messages path, or chat completions. */
export const deepseek = defineProvider({
  type: 'deepseek',
  title: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com',
  baseIsRoot: true,
  env: 'DEEPSEEK',
  ways: {
    messages: { dialect: anthropicMessages(messagesQuirks.deepseek), sign: signMessages },
    chat: { dialect: openAiChat(chatQuirks.deepseek), sign: signBearer },
  },
  models: {
    asOf: '2026-11',
    rows: [
      [/r1/i, { generation: 1, images: false, documents: false, maxOutputTokens: 32_768, efforts: [] }],
      [/v3/i, { generation: 3, images: false, documents: false, maxOutputTokens: 8_192, efforts: [] }],
      [/^deepseek-(chat|reasoner)$/, { generation: 4, images: false, documents: false, efforts: ['high', 'max'] }],
      [/v4/i, { generation: 4, images: false, documents: false, efforts: ['high', 'max'] }],
    ],
  },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'deepseek-v4-pro',
    keysAt: 'https://platform.deepseek.com/api_keys',
    notes: ['No images and no PDF. Temperature has no effect while the model thinks.'],
  },
})

import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { defineProvider } from './define.ts'

/** xAI's Grok. */
export const xai = defineProvider({
  type: 'xai',
  title: 'xAI',
  baseUrl: 'https://api.x.ai/v1',
  env: 'XAI',
  ways: { chat: { dialect: openAiChat(chatQuirks.xai), sign: signBearer } },
  models: {
    asOf: '2026-11',
    rows: [
      [/^grok-4\.3/, { efforts: ['none', 'low', 'medium', 'high'] }],
      [/^grok-4\.20/, { efforts: [] }],
      [/^grok-4\.[5-9]/, { efforts: ['low', 'medium', 'high'] }],
      [/^grok-4/, { efforts: [] }],
      [/^grok-3-mini/, { images: false, efforts: ['low', 'high'] }],
      [/^grok-(3|code)/, { images: false, efforts: [] }],
      [/^grok-2(-\d+)?$/, { images: false, efforts: [] }],
    ],
  },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'grok-4.5',
    keysAt: 'https://console.x.ai',
    notes: ['Stop sequences are refused: xAI’s models take none. No documents.'],
  },
})

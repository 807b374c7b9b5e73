import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { defineProvider } from './define.ts'

/** Mistral AI. */
export const mistral = defineProvider({
  type: 'mistral',
  title: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  env: 'MISTRAL',
  ways: { chat: { dialect: openAiChat(chatQuirks.mistral), sign: signBearer } },
  models: {
    asOf: '2026-11',
    rows: [
      [/^(codestral|devstral|open-mi[sx]tral|mathstral)/, { images: false, documents: false, efforts: [] }],
      [/^magistral/, { efforts: [] }],
      [/^mistral-small-(latest|26)|^mistral-medium-(latest|3[.-]5|26)/, { efforts: ['none', 'high'] }],
    ],
  },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'mistral-large-latest',
    keysAt: 'https://console.mistral.ai/api-keys',
    notes: [
      'Ids of tool calls from other providers become nine characters, the same ones each time.',
      'A short assistant turn is put between a tool’s result and a user’s message that follows it, because Mistral insists on one.',
    ],
  },
})

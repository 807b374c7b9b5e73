import { anthropicMessages, messagesQuirks } from '../dialects/anthropic/index.ts'
import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { signMessagesBearer } from '../signers/messages.ts'
import { defineProvider } from './define.ts'

/** OpenRouter: hundreds of models behind one key, by its Messages path or chat completions. */
export const openrouter = defineProvider({
  type: 'openrouter',
  title: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  env: 'OPENROUTER',
  ways: {
    messages: { dialect: anthropicMessages(messagesQuirks.openrouter), sign: signMessagesBearer },
    chat: { dialect: openAiChat(chatQuirks.openrouter), sign: signBearer },
  },
  models: {
    asOf: '2026-11',
    rows: [
      [/^~?anthropic\//, { cacheControl: true }],
      [/^google\/gemini/, { cacheControl: true }],
      [/^deepseek\//, { images: false, efforts: ['none', 'low', 'medium', 'high'] }],
    ],
  },
  // Its list of models answers without a key and so proves nothing about one.
  probe: { path: '/key', sign: signBearer, judgesKey: true },
  page: {
    model: 'openrouter/anthropic/claude-sonnet-4.5',
    keysAt: 'https://openrouter.ai/keys',
    notes: [
      'The charge that OpenRouter itself reports is the cost on the record where it names one.',
      '`cache_control` goes to the models that take it (Claude, Gemini).',
    ],
  },
})

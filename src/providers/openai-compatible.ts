import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { defineProvider } from './define.ts'

/** Any server that speaks chat completions: vLLM, LM Studio, llama.cpp, a corporate gateway. */
export const openAiCompatible = defineProvider({
  type: 'openai-compatible',
  title: 'OpenAI-compatible servers',
  baseUrl: null,
  env: null,
  key: 'optional',
  ways: { chat: { dialect: openAiChat(chatQuirks.compatible), sign: signBearer } },
  probe: { path: '/models', sign: signBearer, judgesKey: true },
  page: {
    model: 'qwen3-coder',
    keysAt: null,
    notes: [
      'The base address is what the server’s own documentation gives to OpenAI’s clients; it mostly ends in `/v1`.',
    ],
  },
})

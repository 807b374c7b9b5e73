import { anthropicMessages, canCarry, messagesQuirks } from '../dialects/anthropic/index.ts'
import { chatQuirks, openAiChat } from '../dialects/openai-chat/index.ts'
import { signBearer } from '../signers/bearer.ts'
import { signMessagesBearer } from '../signers/messages.ts'
import { defineProvider, preferring } from './define.ts'

const chat = openAiChat(chatQuirks.ollama)

/** Ollama, on this machine or elsewhere: Messages where that can say all of a call, else chat completions. */
export const ollama = defineProvider({
  type: 'ollama',
  title: 'Ollama',
  baseUrl: 'http://localhost:11434',
  baseIsRoot: true,
  env: 'OLLAMA',
  key: 'optional',
  ways: {
    messages: {
      dialect: preferring(
        anthropicMessages(messagesQuirks.ollama),
        (request) => canCarry(request, messagesQuirks.ollama),
        chat,
      ),
      sign: signMessagesBearer,
    },
    chat: { dialect: chat, sign: signBearer },
  },
  probe: { path: '/api/version', sign: signBearer, judgesKey: false },
  page: {
    model: 'qwen3-coder',
    keysAt: null,
    notes: [
      'No key is needed. Give the model a context large enough for an agent (`num_ctx`, or OLLAMA_CONTEXT_LENGTH): the default is small, and Ollama cuts longer prompts without a word.',
      'Calls that force a tool or a schema go by chat completions, which can say that; all others by Ollama’s Messages path.',
      'Images as base64 only, no PDF.',
    ],
  },
})

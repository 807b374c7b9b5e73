import { anthropicMessages, messagesQuirks } from '../dialects/anthropic/index.ts'
import { signAnthropic } from '../signers/api-key.ts'
import { signMessages } from '../signers/messages.ts'
import { defineProvider } from './define.ts'

/** Any server that speaks Messages: other models behind it, or (`claude`) Anthropic's own behind a corporate gateway. */
export const anthropicCompatible = defineProvider({
  type: 'anthropic-compatible',
  title: 'Anthropic-compatible servers',
  baseUrl: null,
  baseIsRoot: true,
  env: null,
  key: 'optional',
  ways: {
    messages: { dialect: anthropicMessages(messagesQuirks.compatible), sign: signMessages },
    claude: { dialect: null, sign: signAnthropic },
  },
  probe: { path: '/v1/models', sign: signMessages, judgesKey: true },
  page: {
    model: 'glm-4.6',
    keysAt: null,
    notes: [
      '`dialect: claude` is for a server that leads to Claude itself, such as a corporate gateway: then bytes and Anthropic’s headers pass untouched, but for the credential, which is the gateway’s own.',
      'Otherwise nothing that is meant for Anthropic leaves: neither the caller’s headers, nor the user id, nor signatures of Claude’s thinking.',
    ],
  },
})

import { signAnthropic } from '../signers/api-key.ts'
import { defineProvider } from './define.ts'

/** Anthropic's own API: the native dialect, bytes pass untouched. */
export const anthropic = defineProvider({
  type: 'anthropic',
  title: 'Anthropic',
  baseUrl: 'https://api.anthropic.com',
  baseIsRoot: true,
  env: 'ANTHROPIC',
  key: 'caller',
  ways: { messages: { dialect: null, sign: signAnthropic } },
  probe: {
    path: '/v1/models?limit=1',
    sign: (credential) => ['anthropic-version', '2023-06-01', ...signAnthropic(credential)],
    judgesKey: true,
  },
  page: {
    model: 'claude-sonnet-5',
    keysAt: 'https://platform.claude.com/settings/keys',
    notes: [
      'Works without any setting: the credential of the caller passes through. With a key of its own the gateway signs all calls with that.',
      'A claude.ai login only ever leaves to api.anthropic.com.',
      'Requests and answers pass byte for byte. Only the model’s name is replaced where a route says so.',
    ],
  },
})

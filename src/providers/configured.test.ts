import { describe, expect, test } from 'vitest'
import { joinPath } from '../core/join-path.ts'
import { parseMessagesRequest } from '../core/messages.ts'
import type { Target } from '../core/upstream.ts'
import { providersConfig } from './config.ts'
import { configuredProviders, targetOf } from './configured.ts'
import { customProviders, factsOf, providers } from './index.ts'

const key = 'k-secret'
const request = parseMessagesRequest(
  Buffer.from(JSON.stringify({ model: 'x', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })),
)

function targetWith(name: string, settings: object, model = 'm'): Target {
  const provider = configuredProviders(providersConfig.parse(settings)).find((one) => one.name === name)
  const target = provider === undefined ? null : targetOf(provider, model)
  if (target === null) throw new Error(`${name} is not offered`)
  return target
}

/** The whole address a call goes to. */
function addressOf({ origin, pathPrefix, translation, provider }: Target): string {
  if (translation === null) return origin + joinPath(pathPrefix, '/v1/messages')
  const { dialect, model, facts } = translation
  return origin + joinPath(pathPrefix, dialect.toUpstream(request, { provider, model, facts, userHash: null }).path)
}

describe('what is offered', () => {
  test('without any setting: Anthropic with the caller’s credential, and Ollama, which needs no key', () => {
    const offered = configuredProviders(providersConfig.parse({})).filter(({ missing }) => missing === null)
    expect(offered.map(({ name }) => name)).toEqual(['anthropic', 'ollama'])
  })

  test('a provider without a key is not, and says what is missing', () => {
    const all = configuredProviders(providersConfig.parse({}))
    expect(all.find(({ name }) => name === 'groq')?.missing).toBe('providers.groq.apiKey')
  })

  test.each(Object.values(providers).filter(({ env, key: need }) => env !== null && need === 'required'))(
    '$title is with a key alone, signs with it, and takes no caller’s credential',
    ({ type }) => {
      const target = targetWith(type, { [type]: { apiKey: key } })
      expect(target.acceptsCallerCredential).toBe(false)
      expect(target.sign(target.credential).join(' ')).toContain(key)
      expect(addressOf(target)).not.toContain(key)
    },
  )

  test('servers of one’s own are under their names', () => {
    const custom = { vllm: { type: 'openai-compatible', baseUrl: 'http://gpu:8000/v1' } }
    const target = targetWith('vllm', { custom })
    expect(target).toMatchObject({
      provider: 'vllm',
      account: 'vllm',
      credential: null,
      acceptsCallerCredential: false,
    })
    expect(addressOf(target)).toBe('http://gpu:8000/v1/chat/completions')
  })

  test('a server that leads to Claude itself gets the bytes untouched, signed by the gateway', () => {
    const corporate = {
      type: 'anthropic-compatible',
      baseUrl: 'https://llm.example.com/v1/',
      dialect: 'claude',
      apiKey: key,
    }
    const target = targetWith('corporate', { custom: { corporate } })
    expect(target.translation).toBeNull()
    expect(target.acceptsCallerCredential).toBe(false)
    expect(addressOf(target)).toBe('https://llm.example.com/v1/messages')
  })
})

describe('base address and path are joined once', () => {
  test.each([
    ['anthropic', {}, 'https://api.anthropic.com/v1/messages'],
    ['anthropic', { baseUrl: 'https://proxy.example/anthropic/v1' }, 'https://proxy.example/anthropic/v1/messages'],
    ['openai', {}, 'https://api.openai.com/v1/chat/completions'],
    ['openai', { baseUrl: 'https://api.openai.com' }, 'https://api.openai.com/v1/chat/completions'],
    ['openai', { baseUrl: 'https://eu.example/v1/' }, 'https://eu.example/v1/chat/completions'],
    ['openai', { dialect: 'responses' }, 'https://api.openai.com/v1/responses'],
    ['groq', {}, 'https://api.groq.com/openai/v1/chat/completions'],
    ['groq', { baseUrl: 'https://api.groq.com' }, 'https://api.groq.com/openai/v1/chat/completions'],
    ['mistral', {}, 'https://api.mistral.ai/v1/chat/completions'],
    ['xai', {}, 'https://api.x.ai/v1/chat/completions'],
    ['gemini', {}, 'https://generativelanguage.googleapis.com/v1beta/models/m:generateContent'],
    ['gemini', { baseUrl: 'http://g.example' }, 'http://g.example/v1beta/models/m:generateContent'],
    ['ollama', {}, 'http://localhost:11434/v1/messages'],
    ['ollama', { baseUrl: 'http://gpu:11434/v1' }, 'http://gpu:11434/v1/messages'],
    ['ollama', { dialect: 'chat', baseUrl: 'http://gpu:11434/v1' }, 'http://gpu:11434/v1/chat/completions'],
    ['deepseek', {}, 'https://api.deepseek.com/anthropic/v1/messages'],
    ['deepseek', { baseUrl: 'https://api.deepseek.com/anthropic' }, 'https://api.deepseek.com/anthropic/v1/messages'],
    ['deepseek', { baseUrl: 'https://api.deepseek.com/v1' }, 'https://api.deepseek.com/anthropic/v1/messages'],
    ['deepseek', { dialect: 'chat' }, 'https://api.deepseek.com/chat/completions'],
    ['openrouter', {}, 'https://openrouter.ai/api/v1/messages'],
    ['openrouter', { dialect: 'chat' }, 'https://openrouter.ai/api/v1/chat/completions'],
  ])('%s %j', (name, section, address) => {
    const target = targetWith(name, { [name]: { apiKey: key, ...section } })
    expect(addressOf(target)).toBe(address)
  })
})

describe('what models can', () => {
  test.each([
    ['openai', 'gpt-4o-mini', { reasoning: false, maxOutputTokens: 16_384 }],
    ['openai', 'o3-2025-04-16', { reasoning: true, stopSequences: 0 }],
    ['openai', 'gpt-5', { efforts: ['minimal', 'low', 'medium', 'high'] }],
    ['openai', 'gpt-5-mini-2025-08-07', { efforts: ['minimal', 'low', 'medium', 'high'] }],
    ['openai', 'gpt-5.1', { efforts: ['none', 'low', 'medium', 'high'] }],
    ['openai', 'gpt-5-chat-latest', { reasoning: false }],
    ['groq', 'openai/gpt-oss-20b', { efforts: ['low', 'medium', 'high'], images: false }],
    ['groq', 'qwen/qwen3-32b', { efforts: ['none', 'default'] }],
    ['xai', 'grok-4.5', { efforts: ['low', 'medium', 'high'] }],
    ['xai', 'grok-4.20-non-reasoning', { efforts: [] }],
    ['gemini', 'gemini-2.5-flash', { generation: 2.5 }],
    ['deepseek', 'deepseek-v4-pro', { generation: 4, images: false }],
    ['openrouter', 'anthropic/claude-sonnet-4.5', { cacheControl: true }],
  ] as const)('%s %s', (name, model, facts) => {
    expect(factsOf(providers[name], model)).toMatchObject(facts)
  })

  test.each([...Object.values(providers), ...Object.values(customProviders)])(
    '$title: nothing is known of a model that came later, which is then treated as one of the newest',
    (provider) => {
      expect(factsOf(provider, 'model-of-next-year')).toEqual({})
      expect(provider.models.asOf).toMatch(/^20\d\d-\d\d$/)
    },
  )
})

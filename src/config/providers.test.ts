import { describe, expect, test } from 'vitest'
import { loadConfig } from './load-config.ts'
import { ConfigError } from './mistake.ts'
import { Origins } from './origin.ts'
import { rules } from './rules.ts'
import { configSchema } from './schema.ts'

const withEnv = (env: Record<string, string>) => loadConfig({ cwd: '/nonexistent', env })

function mistakesOf(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

const judged = (providers: object) => {
  const config = configSchema.parse({ providers })
  return rules.flatMap((rule) => rule(config, new Origins()))
}

describe('providers in the environment', () => {
  test.each(['OPENAI', 'GROQ', 'GEMINI', 'MISTRAL', 'XAI', 'OLLAMA', 'DEEPSEEK', 'OPENROUTER'])('%s', (name) => {
    const { providers } = withEnv({ [`${name}_API_KEY`]: 'k', [`${name}_UPSTREAM_URL`]: 'http://up.example' }).config
    const section = providers[name.toLowerCase() as 'openai']
    expect(section.apiKey?.reveal()).toBe('k')
    expect(section.baseUrl).toBe('http://up.example')
  })

  test('the default is any that is offered', () => {
    expect(withEnv({ DEFAULT_PROVIDER: 'groq', GROQ_API_KEY: 'k' }).config.providers.default).toBe('groq')
    expect(withEnv({ DEFAULT_PROVIDER: 'ollama' }).config.providers.default).toBe('ollama')
    expect(withEnv({ DEFAULT_PROVIDER: 'simulated' }).config.providers.default).toBe('simulated')
  })

  test('a default without its key says which is missing', () => {
    expect(mistakesOf(() => withEnv({ DEFAULT_PROVIDER: 'groq' }))).toContain(
      'DEFAULT_PROVIDER: providers.default is "groq", which is not offered: it needs providers.groq.apiKey (GROQ_API_KEY).',
    )
  })

  test('a misspelt default says what was meant', () => {
    expect(mistakesOf(() => withEnv({ DEFAULT_PROVIDER: 'mistrall' }))).toContain('Did you mean mistral?')
  })

  test('a dialect that a provider does not speak says which it does', () => {
    expect(mistakesOf(() => withEnv({ OPENAI_DIALECT: 'messages' }))).toContain('one of "chat", "responses"')
  })
})

describe('servers of one’s own', () => {
  const server = { type: 'openai-compatible', baseUrl: 'http://gpu:8000/v1' }

  test('can be the default', () => {
    expect(judged({ default: 'vllm', custom: { vllm: server } })).toEqual([])
  })

  test('have names of their own, in letters that fit a label', () => {
    expect(judged({ custom: { groq: server } })[0]?.text).toContain('has the name of a provider that is built in')
    expect(judged({ custom: { 'My GPU': server } })[0]?.path).toBe('providers.custom.My GPU')
  })

  test('speak what their type speaks, and do not lead back here', () => {
    expect(judged({ custom: { a: { ...server, dialect: 'claude' } } })[0]).toEqual({
      path: 'providers.custom.a.dialect',
      text: 'is "claude", but a server of type openai-compatible speaks: chat.',
    })
    expect(judged({ custom: { a: { ...server, baseUrl: 'http://127.0.0.1:3000/v1' } } })[0]?.text).toContain(
      'where this gateway itself listens',
    )
  })
})

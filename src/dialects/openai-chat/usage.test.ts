import { describe, expect, test } from 'vitest'
import { chatQuirks } from './index.ts'
import { toUsage } from './usage.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, ollama, compatible } = chatQuirks
const told = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
const cached = { prompt_tokens_details: { cached_tokens: 60 } }
const reasoning = { completion_tokens_details: { reasoning_tokens: 8 } }

describe('Usage map', () => {
  test('openai: prompt − read − write, reasoning included', () => {
    const usage = { ...told, prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 }, ...reasoning }
    expect(toUsage(usage, openai.usage)?.tokens).toEqual({
      inputTokens: 30,
      cacheReadTokens: 60,
      cacheWriteTokens: 10,
      outputTokens: 20,
      thinkingTokens: 8,
    })
  })
  test('groq: prompt − read', () => {
    expect(toUsage({ ...told, ...cached }, groq.usage)?.tokens).toEqual({
      inputTokens: 40,
      cacheReadTokens: 60,
      outputTokens: 20,
    })
  })
  test.each([
    [{ num_cached_tokens: 50, ...cached }, 50],
    [cached, 60],
    [{ prompt_token_details: { cached_tokens: 70 } }, 70],
    [{ prompt_tokens_details: null }, 0],
  ])('mistral: %j', (usage, read) => {
    expect(toUsage({ ...told, ...usage }, mistral.usage)?.tokens).toMatchObject({
      inputTokens: 100 - read,
      cacheReadTokens: read,
    })
  })
  test('xai: completion + `reasoning_tokens`; if read > prompt: prompt', () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 128, ...reasoning }
    expect(toUsage({ ...usage, ...cached }, xai.usage)?.tokens).toMatchObject({ inputTokens: 40, outputTokens: 28 })
    const more = { prompt_tokens_details: { cached_tokens: 130 } }
    expect(toUsage({ ...usage, ...more }, xai.usage)?.tokens).toMatchObject({ inputTokens: 100, cacheReadTokens: 130 })
  })
  test('deepseek: `prompt_cache_miss_tokens` and `prompt_cache_hit_tokens`', () => {
    expect(
      toUsage({ ...told, prompt_cache_miss_tokens: 39, prompt_cache_hit_tokens: 61 }, deepseek.usage)?.tokens,
    ).toMatchObject({ inputTokens: 39, cacheReadTokens: 61, outputTokens: 20 })
  })
  test('openrouter: `usage.cost` is the real charge', () => {
    expect(toUsage({ ...told, cost: 0.0123 }, openrouter.usage)?.costUsd).toBe(0.0123)
    expect(toUsage({ ...told, cost: 0.0123 }, openai.usage)?.costUsd).toBeNull()
  })
  test.each([told, { prompt_eval_count: 100, eval_count: 20 }, { input_tokens: 100, output_tokens: 20 }])(
    'ollama: %j',
    (usage) => {
      expect(toUsage(usage, ollama.usage)?.tokens).toEqual({ inputTokens: 100, cacheReadTokens: 0, outputTokens: 20 })
    },
  )
})

describe('Guard', () => {
  test('total = prompt + completion + reasoning means excluded; disagreement with the table is counted', () => {
    const separate = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 128, ...reasoning }
    expect(toUsage(separate, openai.usage)?.disagrees).toBe(true)
    expect(toUsage(separate, xai.usage)?.disagrees).toBe(false)
    expect(toUsage({ ...told, ...reasoning }, xai.usage)?.disagrees).toBe(true)
    expect(toUsage(separate, compatible.usage)?.tokens.outputTokens).toBe(28)
    expect(toUsage({ ...told, ...reasoning }, compatible.usage)?.tokens.outputTokens).toBe(20)
  })
  test('no negative bucket, no nonsense', () => {
    for (const { usage } of [openai, groq, mistral, deepseek, openrouter, compatible])
      expect(toUsage({ ...told, prompt_tokens_details: { cached_tokens: 500 } }, usage)?.tokens.inputTokens).toBe(0)
    expect(toUsage({ prompt_tokens: -5, completion_tokens: 'x' }, openai.usage)).toBeNull()
  })
})

import { describe, expect, test } from 'vitest'
import { estimateTokens } from './estimate-tokens.ts'

const body = (content: unknown): Buffer => Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }))
const base = estimateTokens(body(''))
const tokensOf = (content: unknown): number => estimateTokens(body(content)) - base

/** Counted with OpenAI's o200k. */
const counted: readonly (readonly [string, string, number])[] = [
  ['English', 'The quick brown fox jumps over the lazy dog, and then it goes home again. '.repeat(20), 340],
  ['German', 'Die Gebäudeübergänge sind während der Öffnungszeiten für Fußgänger zugänglich. '.repeat(20), 340],
  [
    'Russian',
    'Быстрая коричневая лиса перепрыгивает через ленивую собаку, а затем возвращается домой. '.repeat(20),
    502,
  ],
  ['Chinese', '我们需要在下一个版本中修复这个问题，否则用户将无法登录系统。请检查日志文件。'.repeat(20), 460],
  [
    'code',
    "  const found = known.get(name)\n  if (found !== undefined) return found\n  throw new Error('none')\n".repeat(20),
    480,
  ],
]

describe('an estimate of a request’s tokens', () => {
  test.each(counted)('is near the count of a tokenizer: %s', (_, text, count) => {
    expect(tokensOf(text) / count).toBeGreaterThan(0.7)
    expect(tokensOf(text) / count).toBeLessThan(1.4)
  })

  test('takes a picture for a picture, whatever its bytes', () => {
    const image = {
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0K'.repeat(40_000) },
    }
    expect(tokensOf([image])).toBeGreaterThan(1_000)
    expect(tokensOf([image])).toBeLessThan(3_000)
  })

  test('is at least one, also for what is no JSON', () => {
    for (const text of ['', '{', '"', '"\\', '"\\u', 'null', '"'.repeat(9)]) {
      expect(estimateTokens(Buffer.from(text))).toBeGreaterThanOrEqual(1)
    }
  })

  test('grows with what is added', () => {
    expect(tokensOf('one two three')).toBeGreaterThan(tokensOf('one two'))
  })
})

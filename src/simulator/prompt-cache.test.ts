import { expect, test } from 'vitest'
import { readMessagesRequest } from './messages-request.ts'
import { countInputTokens, PromptCache } from './prompt-cache.ts'

const long = 'The quick brown fox jumps over the lazy dog. '.repeat(200) // 2,250 tokens
const mark = (ttl?: string) => ({ cache_control: { type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) } })

function request(options: { system?: object[]; messages?: object[]; model?: string; extra?: object } = {}) {
  return readMessagesRequest(
    {
      model: options.model ?? 'claude-sonnet-5',
      max_tokens: 100,
      system: options.system ?? [{ type: 'text', text: long, ...mark() }],
      messages: options.messages ?? [{ role: 'user', content: 'hello' }],
      ...options.extra,
    },
    'messages',
  )
}

const total = (split: { input: number; cacheRead: number; write5m: number; write1h: number }): number =>
  split.input + split.cacheRead + split.write5m + split.write1h

test('the first call writes the marked prefix, the second reads it', () => {
  const cache = new PromptCache()
  const first = cache.use(request(), 'a', 0)
  const second = cache.use(request(), 'a', 1_000)
  expect(first).toEqual({ input: 2, cacheRead: 0, write5m: 2_258, write1h: 0 })
  expect(second).toEqual({ input: 2, cacheRead: 2_258, write5m: 0, write1h: 0 })
})

test('buckets always add up to what count_tokens says', () => {
  const cache = new PromptCache()
  const call = request({
    system: [
      { type: 'text', text: long, ...mark('1h') },
      { type: 'text', text: long, ...mark() },
    ],
  })
  for (const now of [0, 1, 400_000]) expect(total(cache.use(call, 'a', now))).toBe(countInputTokens(call))
})

test('an entry lives five minutes after its last use, or one hour where asked', () => {
  const minutes = 60_000
  const cache = new PromptCache()
  cache.use(request(), 'a', 0)
  expect(cache.use(request(), 'a', 4 * minutes).cacheRead).toBeGreaterThan(0)
  expect(cache.use(request(), 'a', 8 * minutes).cacheRead).toBeGreaterThan(0)
  expect(cache.use(request(), 'a', 14 * minutes).cacheRead).toBe(0)
  const hour = request({ system: [{ type: 'text', text: `1h ${long}`, ...mark('1h') }] })
  expect(cache.use(hour, 'a', 0)).toMatchObject({ write1h: 2_259, write5m: 0 })
  expect(cache.use(hour, 'a', 59 * minutes).cacheRead).toBe(2_259)
})

test('one-hour and five-minute writes of a call are told apart', () => {
  const split = new PromptCache().use(
    request({
      system: [
        { type: 'text', text: long, ...mark('1h') },
        { type: 'text', text: long, ...mark() },
      ],
    }),
    'a',
    0,
  )
  expect(split).toEqual({ input: 2, cacheRead: 0, write5m: 2_250, write1h: 2_258 })
})

test('a growing conversation reads what the turn before wrote', () => {
  const cache = new PromptCache()
  const turn = { role: 'user', content: [{ type: 'text', text: 'hello there', ...mark() }] }
  const first = cache.use(request({ messages: [turn] }), 'a', 0)
  const unmarked = { role: 'user', content: [{ type: 'text', text: 'hello there' }] }
  const next = [unmarked, { role: 'assistant', content: 'hi' }, turn]
  const second = cache.use(request({ messages: next }), 'a', 1)
  expect(second.cacheRead).toBe(first.write5m)
  expect(second.write5m).toBeGreaterThan(0)
})

test('any changed byte of the prefix, another model or another credential misses', () => {
  const cache = new PromptCache()
  cache.use(request(), 'a', 0)
  expect(cache.use(request({ system: [{ type: 'text', text: `${long}.`, ...mark() }] }), 'a', 1).cacheRead).toBe(0)
  expect(cache.use(request({ model: 'claude-opus-5-5' }), 'a', 1).cacheRead).toBe(0)
  expect(cache.use(request(), 'b', 1).cacheRead).toBe(0)
})

test('the attribution block may change without a miss', () => {
  const cache = new PromptCache()
  const system = (version: string) => [
    { type: 'text', text: `x-anthropic-billing-header: cc_version=${version};` },
    { type: 'text', text: long, ...mark() },
  ]
  cache.use(request({ system: system('2.1.330.a1b') }), 'a', 0)
  expect(cache.use(request({ system: system('2.1.330.c2d') }), 'a', 1).cacheRead).toBeGreaterThan(0)
})

test('short prefixes are not cached', () => {
  const short = request({ system: [{ type: 'text', text: 'short', ...mark() }] })
  const cache = new PromptCache()
  cache.use(short, 'a', 0)
  expect(cache.use(short, 'a', 1)).toMatchObject({ cacheRead: 0, write5m: 0, write1h: 0 })
})

test('a mark on the body itself marks the last block', () => {
  const cache = new PromptCache()
  const call = request({ system: [{ type: 'text', text: long }], extra: mark() })
  expect(cache.use(call, 'a', 0)).toMatchObject({ input: 0, write5m: countInputTokens(call) })
})

import { describe, expect, test } from 'vitest'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { parseExchange } from './parse-exchange.ts'

const full = closedExchange({
  serverToolUse: { webSearchRequests: 1, webFetchRequests: 0 },
  usageFlags: ['no_split'],
  rateLimitHeaders: { 'retry-after': '3' },
  errorType: 'provider_overloaded',
  routing: { rule: 'cheap', target: 'groq/x', tried: ['openai/y:503'], movedFrom: null, notes: ['dropped:top_k'] },
})

describe('parseExchange', () => {
  test('gives back what was written', () => {
    for (const exchange of [full, closedExchange(), openedExchange()]) {
      expect(parseExchange(JSON.stringify(exchange))).toEqual(exchange)
    }
  })

  test('leaves out fields it does not know, at any depth', () => {
    const newer = { ...full, color: 'red', usage: { ...full.usage, cacheWrite24h: 5 } }
    expect(parseExchange(JSON.stringify(newer))).toEqual(full)
  })

  test('takes records of versions that did not tell how they routed', () => {
    const { routing: _, ...older } = full
    expect(parseExchange(JSON.stringify(older))).toEqual({ ...full, routing: null })
  })

  test.each(Object.keys(full).filter((name) => name !== 'routing'))('names %s where it is missing', (name) => {
    const lacking = Object.fromEntries(Object.entries(full).filter(([key]) => key !== name))
    expect(parseExchange(JSON.stringify(lacking))).toMatchObject({
      kind: 'defect',
      reason: expect.stringContaining(name),
    })
  })

  test.each(Object.keys(full))('names %s where it is of another kind, and never its value', (name) => {
    const wrong = parseExchange(JSON.stringify({ ...full, [name]: [['sk-ant-secret']] }))
    // A list of lists is an empty list of flags: what is no text is left out of it.
    if (name === 'usageFlags') return expect(wrong).toMatchObject({ usageFlags: [] })
    expect(wrong).toMatchObject({ kind: 'defect', reason: expect.stringContaining(name) })
    expect(JSON.stringify(wrong)).not.toContain('sk-ant')
  })

  test.each([
    ['', 'not JSON'],
    ['{"kind":', 'not JSON'],
    ['null', 'not an object'],
    ['[]', 'not an object'],
    [JSON.stringify({ ...full, id: 'x' }), 'id is not a UUID'],
    [JSON.stringify({ ...full, outcome: 'fine' }), 'outcome is not a known name'],
    [JSON.stringify({ ...full, usage: { ...full.usage, input: -1 } }), 'usage.input is not a whole number'],
    [JSON.stringify({ ...full, usage: { ...full.usage, output: 1.5 } }), 'usage.output is not a whole number'],
  ])('says what is wrong with %s', (json, reason) => {
    expect(parseExchange(json)).toEqual({ kind: 'defect', reason })
  })

  test('takes an error type of a later version as other', () => {
    expect(parseExchange(JSON.stringify({ ...full, errorType: 'provider_bored' }))).toMatchObject({
      errorType: 'other',
    })
    expect(parseExchange(JSON.stringify({ ...full, errorType: 'toString' }))).toMatchObject({ errorType: 'other' })
  })
})

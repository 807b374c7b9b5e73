import { expect, test } from 'vitest'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { exchangeDetail } from '../contract/exchange.ts'
import { presentDetail } from './present.ts'

const at = Date.UTC(2026, 8, 1)
const routing = {
  rule: 'night',
  target: 'groq/llama',
  tried: ['openai/gpt-5:503'],
  movedFrom: 'openai/gpt-5',
  notes: ['dropped:top_k'],
}

test('a session’s move is shown with what no cache held of its prompt', () => {
  const shown = presentDetail({ ...recordedExchange(at, { routing }), source: 'wire' })
  expect(exchangeDetail.parse(shown).routing).toEqual({
    rule: 'night',
    target: 'groq/llama',
    tried: ['openai/gpt-5:503'],
    moved: { from: 'openai/gpt-5', cache_write_tokens: 45, uncached_input_tokens: 10 },
    translation_notes: ['dropped:top_k'],
  })
  expect(shown.route).toBe('night')
})

test('without a move there is no cost of one; without a routing there is none', () => {
  const stayed = presentDetail({
    ...recordedExchange(at, { routing: { ...routing, movedFrom: null } }),
    source: 'wire',
  })
  expect(stayed.routing?.moved).toBeNull()
  const plain = presentDetail({ ...recordedExchange(at), source: 'wire' })
  expect([plain.route, plain.routing]).toEqual([null, null])
})

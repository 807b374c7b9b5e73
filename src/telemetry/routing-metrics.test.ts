import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { parseExposition, sumOf } from '../../test/support/exposition.ts'
import { testTelemetry } from '../../test/support/telemetry.ts'
import type { RecordedExchange, RoutingRecord } from '../core/exchange.ts'

const routed = (routing: RoutingRecord, rest: Partial<RecordedExchange> = {}): RecordedExchange => ({
  ...closedExchange(),
  costUsd: 0.01,
  priceSource: 'genai-prices',
  routing,
  ...rest,
})

const plain = { rule: 'r', target: 'openai/gpt-5', tried: [], movedFrom: null, notes: [] }

async function samplesAfter(...exchanges: readonly RecordedExchange[]) {
  const { telemetry } = testTelemetry()
  for (const exchange of exchanges) telemetry.observer.exchangeClosed(exchange)
  const samples = parseExposition(await telemetry.metricsText({ redacted: false }))
  await telemetry.close()
  return samples
}

test('tries again at one target and failovers to the next one are told apart, each with its reason', async () => {
  const tried = ['groq/*:resting', 'ollama/qwen3:8b:connect', 'ollama/qwen3:8b:503', 'ollama/qwen3:8b:headers_timeout']
  const samples = await samplesAfter(routed({ ...plain, tried }, { provider: 'openai', attempts: 4 }))
  const [retries, fallbacks] = ['signalbox_retries_total', 'signalbox_fallbacks_total']
  expect(sumOf(samples, retries)).toBe(2)
  expect(sumOf(samples, retries, { provider: 'ollama', reason: 'connection' })).toBe(1)
  expect(sumOf(samples, retries, { provider: 'ollama', reason: 'server_error' })).toBe(1)
  expect(sumOf(samples, fallbacks)).toBe(2)
  expect(sumOf(samples, fallbacks, { from: 'groq', to: 'ollama', reason: 'resting' })).toBe(1)
  expect(sumOf(samples, fallbacks, { from: 'ollama', to: 'openai', reason: 'timeout' })).toBe(1)
})

test('where every target failed, the last failure is no failover', async () => {
  const tried = ['groq/x:429', 'openai/gpt-5:500', 'retry_budget_spent']
  const samples = await samplesAfter(routed({ ...plain, tried }, { attempts: 2, outcome: 'provider_error' }))
  expect(sumOf(samples, 'signalbox_fallbacks_total')).toBe(1)
  expect(sumOf(samples, 'signalbox_fallbacks_total', { from: 'groq', to: 'openai', reason: 'rate_limit' })).toBe(1)
  expect(samples.filter(({ name }) => name === 'signalbox_retries_total')).toEqual([])
})

test('sessions that moved and what a translation left out are counted', async () => {
  const routing = { ...plain, movedFrom: 'anthropic/*', notes: ['dropped:top_k', 'converted:system'] }
  const samples = await samplesAfter(routed(routing, { provider: 'openai' }), routed(plain))
  expect(sumOf(samples, 'signalbox_session_moves_total', { from: 'anthropic', to: 'openai' })).toBe(1)
  expect(sumOf(samples, 'signalbox_translation_notes_total', { provider: 'openai', note: 'dropped:top_k' })).toBe(1)
  expect(sumOf(samples, 'signalbox_translation_notes_total')).toBe(2)
})

test('whatever stands on records, the labels stay few', async () => {
  const word = fc.string({ maxLength: 12 }).map((text) => text.replaceAll(' ', '_'))
  const routing = fc.record({
    rule: word,
    target: fc.option(word),
    tried: fc.array(
      fc.tuple(word, word).map(([target, reason]) => `${target}/x:${reason}`),
      { maxLength: 16 },
    ),
    movedFrom: fc.option(word),
    notes: fc.array(word, { maxLength: 24 }),
  })
  const samples = await samplesAfter(...fc.sample(routing, 300).map((each) => routed(each)))
  const series = samples.filter(({ name }) => name === 'signalbox_translation_notes_total')
  expect(series.length).toBeGreaterThan(20)
  expect(series.length).toBeLessThan(70)
  expect(samples.filter(({ name }) => name === 'signalbox_fallbacks_total').length).toBeLessThan(13 * 13 * 9)
})

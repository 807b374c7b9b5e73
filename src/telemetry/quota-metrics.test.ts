import { describe, expect, test } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { parseExposition, type Sample, sumOf } from '../../test/support/exposition.ts'
import { movableClock, testTelemetry } from '../../test/support/telemetry.ts'
import type { Telemetry } from './index.ts'

const now = Date.UTC(2026, 10, 23, 12)
const noon = now / 1000
const scrape = async (telemetry: Telemetry, redacted = false): Promise<readonly Sample[]> =>
  parseExposition(await telemetry.metricsText({ redacted }))

const window = (name: string, utilization: number, reset?: number): Record<string, string> => ({
  [`anthropic-ratelimit-unified-${name}-utilization`]: String(utilization),
  ...(reset !== undefined && { [`anthropic-ratelimit-unified-${name}-reset`]: String(reset) }),
})

function tested() {
  const clock = movableClock(now)
  const { telemetry } = testTelemetry({ clock, config: { logLevel: 'error' } })
  const told = (headers: Record<string, string>, at = now, account: string | null = 'acme') =>
    telemetry.observer.exchangeClosed({
      ...closedExchange({ account, rateLimitHeaders: headers, openedAt: at - 500, ttftMs: 500, closedAt: at + 60_000 }),
      costUsd: 0,
      priceSource: 'none',
    })
  return { clock, telemetry, told }
}

describe('quota of subscriptions', () => {
  test('is shown by account and window, with its reset and its age', async () => {
    const { clock, telemetry, told } = tested()
    told({ ...window('5h', 0.62, noon + 9600), ...window('7d', 0.2, noon + 86_400) })
    clock.advance(30_000)
    const samples = await scrape(telemetry)
    const of = { account: 'acme', window: '5h' }
    expect(sumOf(samples, 'signalbox_quota_used_ratio', of)).toBe(0.62)
    expect(sumOf(samples, 'signalbox_quota_headroom_ratio', of)).toBeCloseTo(0.38)
    expect(sumOf(samples, 'signalbox_quota_reset_timestamp_seconds', of)).toBe(noon + 9600)
    expect(sumOf(samples, 'signalbox_quota_sample_age_seconds', of)).toBe(30)
    expect(sumOf(samples, 'signalbox_quota_used_ratio', { account: 'acme', window: '7d' })).toBe(0.2)
    expect(sumOf(samples, 'signalbox_quota_unknown_windows_total')).toBe(0)
    await telemetry.close()
  })

  test('keeps the larger value while late answers of the same window come in, and falls with the next window', async () => {
    const { telemetry, told } = tested()
    const used = async () => sumOf(await scrape(telemetry), 'signalbox_quota_used_ratio')
    told(window('5h', 0.9, noon + 60), now)
    told(window('5h', 0.8, noon + 61), now + 5)
    expect(await used()).toBe(0.9)
    told(window('5h', 0.01, noon + 18_000), now + 70_000)
    expect(await used()).toBe(0.01)
    told(window('5h', 0.95, noon + 60), now + 10)
    expect(await used()).toBe(0.01)
    await telemetry.close()
  })

  test('is not guessed: no reset is no series, and more than all leaves nothing', async () => {
    const { telemetry, told } = tested()
    told(window('5h', 1.2))
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_quota_used_ratio')).toBe(1.2)
    expect(sumOf(samples, 'signalbox_quota_headroom_ratio')).toBe(0)
    expect(sumOf(samples, 'signalbox_quota_reset_timestamp_seconds')).toBeNaN()
    await telemetry.close()
  })

  test('shows windows that nobody has heard of, and counts each once', async () => {
    const { telemetry, told } = tested()
    for (const account of ['acme', 'acme', 'other-team']) told(window('30d_fable', 0.3, noon + 9), now, account)
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_quota_used_ratio', { account: 'acme', window: '30d_fable' })).toBe(0.3)
    expect(sumOf(samples, 'signalbox_quota_unknown_windows_total')).toBe(2)
    await telemetry.close()
  })

  test('of more accounts and windows than there is room for is counted as overflow', async () => {
    const { telemetry, told } = tested()
    for (let index = 0; index < 1000; index++)
      told({ ...window(`w${index}`, 0.5, noon), ...window('5h', 0.1, noon) }, now, `a${index}`)
    const samples = await scrape(telemetry)
    expect(samples.filter(({ name }) => name.startsWith('signalbox_quota_')).length).toBeLessThan(700)
    expect(sumOf(samples, 'signalbox_label_overflow_total', { label: 'account' })).toBe(984)
    await telemetry.close()
  })

  test('names no account in the redacted form', async () => {
    const { telemetry, told } = tested()
    told({ ...window('5h', 0.4, noon), 'anthropic-ratelimit-requests-limit': '50' }, now, 'secret-team')
    told(window('5h', 0.7, noon), now, 'another-team')
    const text = await telemetry.metricsText({ redacted: true })
    expect(text).not.toMatch(/secret-team|another-team/)
    expect(sumOf(parseExposition(text), 'signalbox_quota_used_ratio')).toBe(0.7)
    await telemetry.close()
  })
})

test('token buckets of API keys are shown as the newest answer told', async () => {
  const { telemetry, told } = tested()
  const bucket = (remaining: number) => ({
    'anthropic-ratelimit-input-tokens-limit': '80000',
    'anthropic-ratelimit-input-tokens-remaining': String(remaining),
    'anthropic-ratelimit-input-tokens-reset': '2026-11-23T12:00:07Z',
  })
  told(bucket(60_000), now)
  told(bucket(70_000), now - 1000)
  told(bucket(1), now, null)
  const samples = await scrape(telemetry)
  const of = { account: 'acme', kind: 'input_tokens' }
  expect(sumOf(samples, 'signalbox_ratelimit_limit', of)).toBe(80_000)
  expect(sumOf(samples, 'signalbox_ratelimit_remaining')).toBe(60_000)
  expect(sumOf(samples, 'signalbox_ratelimit_reset_timestamp_seconds', of)).toBe(noon + 7)
  await telemetry.close()
})

import { describe, expect, test } from 'vitest'
import { rateLimitKinds, readRateLimits } from './rate-limits.ts'

const prefix = 'anthropic-ratelimit-unified'

describe('readRateLimits', () => {
  test('reads the windows of a subscription, reset in epoch seconds', () => {
    const { windows, limits } = readRateLimits({
      [`${prefix}-status`]: 'allowed',
      [`${prefix}-reset`]: '1795354800',
      [`${prefix}-representative-claim`]: 'five_hour',
      [`${prefix}-5h-status`]: 'allowed_warning',
      [`${prefix}-5h-reset`]: '1795354800',
      [`${prefix}-5h-utilization`]: '0.76',
      [`${prefix}-5h-surpassed-threshold`]: '0.75',
      [`${prefix}-7d_opus-reset`]: '2026-11-25T10:00:00Z',
      [`${prefix}-7d_opus-utilization`]: '0',
      [`${prefix}-overage-status`]: 'rejected',
      [`${prefix}-overage-disabled-reason`]: 'org_level_disabled',
    })
    expect(limits).toEqual([])
    expect(windows).toEqual([
      { name: '5h', utilization: 0.76, resetAt: 1_795_354_800_000, status: 'allowed_warning' },
      { name: '7d_opus', utilization: 0, resetAt: Date.UTC(2026, 10, 25, 10), status: null },
    ])
  })

  test('reads the token buckets of an API key, also those of the other families', () => {
    const { windows, limits } = readRateLimits({
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-11-23T10:00:01Z',
      'anthropic-priority-input-tokens-limit': '10000',
      'anthropic-fast-output-tokens-remaining': '9000',
      'anthropic-ratelimit-moonbeams-limit': '3',
      'retry-after': '3',
    })
    expect(windows).toEqual([])
    expect(limits).toEqual([
      { kind: 'requests', limit: 50, remaining: 49, resetAt: Date.UTC(2026, 10, 23, 10, 0, 1) },
      { kind: 'priority_input_tokens', limit: 10_000, remaining: null, resetAt: null },
      { kind: 'fast_output_tokens', limit: null, remaining: 9_000, resetAt: null },
    ])
    expect(limits.every(({ kind }) => rateLimitKinds.includes(kind))).toBe(true)
  })

  test.each(['', 'NaN', '-0.1', 'Infinity', '0x10', '1,5', '1'.repeat(400)])(
    'leaves out what is no share: %s',
    (text) => {
      expect(readRateLimits({ [`${prefix}-5h-utilization`]: text }).windows).toEqual([])
    },
  )

  test('does not make up a reset', () => {
    const headers = { [`${prefix}-5h-utilization`]: '0.5', [`${prefix}-5h-reset`]: 'soon' }
    expect(readRateLimits(headers).windows).toEqual([{ name: '5h', utilization: 0.5, resetAt: null, status: null }])
  })
})

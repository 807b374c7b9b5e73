import { describe, expect, test } from 'vitest'
import { openAiResponses } from './index.ts'

const fail = (status: number, error: object | string, headers: string[] = []) =>
  openAiResponses.toFailure(
    status,
    headers,
    Buffer.from(typeof error === 'string' ? error : JSON.stringify({ error })),
    0,
  )

describe('Error map', () => {
  test.each([
    [400, 400, 'invalid_request_error'],
    [422, 400, 'invalid_request_error'],
    [401, 502, 'api_error'],
    [403, 502, 'api_error'],
    [402, 402, 'billing_error'],
    [404, 404, 'not_found_error'],
    [413, 413, 'request_too_large'],
    [429, 429, 'rate_limit_error'],
    [408, 504, 'timeout_error'],
    [504, 504, 'timeout_error'],
    [503, 529, 'overloaded_error'],
    [500, 502, 'api_error'],
    [502, 502, 'api_error'],
  ])('%i: %i `%s`', (status, told, type) => {
    const failure = fail(status, { message: 'why', type: 'x', param: null, code: null })
    expect({ status: failure.status, type: failure.anthropicType }).toEqual({ status: told, type })
    expect(failure.shown).toContain('why')
  })
  test('context overflow: the message begins with "prompt is too long"', () => {
    const failure = fail(400, { code: 'context_length_exceeded', message: 'Your input exceeds the context window' })
    expect(failure).toMatchObject({ status: 400, type: 'caller_invalid_request' })
    expect(failure.shown).toMatch(/^prompt is too long/)
  })
  test('`insufficient_quota`: 402', () => {
    expect(fail(429, { code: 'insufficient_quota', message: 'pay' })).toMatchObject({ status: 402 })
  })
  test('429: `retry-after` from the header, else `x-ratelimit-reset-*` durations', () => {
    const error = { code: 'rate_limit_exceeded', message: 'slow' }
    expect(fail(429, error, ['retry-after', '7']).retryAfterSeconds).toBe(7)
    expect(fail(429, error, ['x-ratelimit-reset-tokens', '1m2.5s']).retryAfterSeconds).toBe(63)
  })
  test('a proxy’s page, an empty body', () => {
    expect(fail(502, '<html>secret</html>').shown).toBe('The provider answered 502')
    expect(fail(400, '').status).toBe(400)
  })
  test('Own errors: secrets are removed, and no record holds what may quote the prompt', () => {
    const failure = fail(400, { message: 'Invalid key sk-abcdefgh1234 in "my prompt"' })
    expect(failure.shown).not.toContain('abcdefgh')
    expect(failure.message).not.toContain('prompt')
  })
})

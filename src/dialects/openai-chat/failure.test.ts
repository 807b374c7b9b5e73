import { describe, expect, test } from 'vitest'
import { answerFrom } from '../../../test/support/openai-chat.ts'
import { chatQuirks } from './index.ts'

const failure = (status: number, body: unknown, headers: readonly string[] = []) =>
  answerFrom.failure(
    chatQuirks.openai,
    status,
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    headers,
  )
const error = (message: string, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', code },
})

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
    [498, 529, 'overloaded_error'],
    [503, 529, 'overloaded_error'],
    [529, 529, 'overloaded_error'],
    [500, 502, 'api_error'],
    [502, 502, 'api_error'],
  ])('%i: %i %s', (status, told, type) => {
    const seen = failure(status, error('x'))
    expect([seen.status, seen.anthropicType]).toEqual([told, type])
  })
  test('context overflow: the message begins with "prompt is too long"', () => {
    const seen = failure(400, error("This model's maximum context length is 128000 tokens.", 'context_length_exceeded'))
    expect(seen.shown).toMatch(/^prompt is too long/)
    expect(seen.status).toBe(400)
  })
  test('`insufficient_quota`: 402', () => {
    expect(failure(429, error('You exceeded your quota', 'insufficient_quota')).status).toBe(402)
  })
  test.each([
    [['retry-after', '7'], 7],
    [['x-ratelimit-reset-requests', '1m2.5s'], 63],
    [['Retry-After', '3', 'x-ratelimit-reset-tokens', '9s'], 3],
  ])('429: %j', (headers, seconds) => {
    expect(failure(429, error('slow'), headers).retryAfterSeconds).toBe(seconds)
  })
})

describe('shapes of errors', () => {
  test.each([
    ['openai', error('it broke')],
    ['xai', { code: 'x', error: 'it broke' }],
    ['mistral', { object: 'error', message: 'it broke', type: 't', param: null, code: null }],
    ['mistral 422', { detail: [{ loc: ['body', 'n'], msg: 'it broke', type: 't' }] }],
    ['openrouter', { error: { code: 400, message: 'it broke', metadata: {} } }],
  ])('%s', (_name, body) => {
    expect(failure(400, body).shown).toContain('it broke')
  })
  test('a proxy’s page, an empty body, JSON of another kind', () => {
    for (const body of ['<html>502</html>', '', '[]', 'null']) expect(failure(502, body).status).toBe(502)
  })
  test('Own errors: secrets are removed, and no record holds what may quote the prompt', () => {
    const seen = failure(400, error('bad key sk-abcdefghijklmnop in: my secret prompt'))
    expect(seen.shown).not.toContain('abcdefghijklmnop')
    expect(seen.message).not.toContain('secret prompt')
  })
})

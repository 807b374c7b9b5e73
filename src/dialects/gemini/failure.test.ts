import { describe, expect, test } from 'vitest'
import { errorIn } from './failure.ts'
import { gemini } from './index.ts'

const failure = (status: number, body: unknown, headers: readonly string[] = []) =>
  gemini.toFailure(status, headers, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), 0)
const error = (code: number, message: string, status: string, details: object[] = []) => ({
  error: { code, message, status, details },
})

describe('Error `{error:{code,message,status,details[]}}`', () => {
  test.each([
    [400, 400, 'invalid_request_error'],
    [401, 502, 'api_error'],
    [403, 502, 'api_error'],
    [404, 404, 'not_found_error'],
    [413, 413, 'request_too_large'],
    [429, 429, 'rate_limit_error'],
    [503, 529, 'overloaded_error'],
    [504, 504, 'timeout_error'],
    [500, 502, 'api_error'],
  ])('%i: %i %s', (status, told, type) => {
    const seen = failure(status, error(status, 'x', 'S'))
    expect([seen.status, seen.anthropicType]).toEqual([told, type])
    expect(seen.shown).toContain('x')
  })
  test('as a list, as a page, as nothing', () => {
    expect(failure(429, [error(429, 'slow', 'RESOURCE_EXHAUSTED')]).shown).toContain('slow')
    for (const body of ['<html>', '', '[]', 'null', '{}']) expect(failure(502, body).status).toBe(502)
  })
})

test('400 with a key that Google does not know: 502, as for any refused credential of ours', () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }]
  expect(
    failure(400, error(400, 'API key not valid. Please pass a valid API key.', 'INVALID_ARGUMENT', details)),
  ).toMatchObject({
    type: 'provider_auth_failed',
    status: 502,
  })
})

test('403 `BILLING_DISABLED`: 402 `billing_error`', () => {
  expect(failure(403, error(403, 'x', 'PERMISSION_DENIED', [{ reason: 'BILLING_DISABLED' }])).status).toBe(402)
})

test('context overflow → message beginning "prompt is too long"', () => {
  const message = 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'
  expect(failure(400, error(400, message, 'INVALID_ARGUMENT')).shown).toMatch(/^prompt is too long/)
})

describe('429: `retry-after` from the header, else Gemini `RetryInfo.retryDelay`', () => {
  const details = [
    { '@type': 'x/google.rpc.QuotaFailure' },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' },
  ]
  test('`34.4s` → 35', () => {
    expect(failure(429, error(429, 'x', 'RESOURCE_EXHAUSTED', details)).retryAfterSeconds).toBe(35)
  })
  test('the header counts first', () => {
    expect(failure(429, error(429, 'x', 'S', details), ['Retry-After', '7']).retryAfterSeconds).toBe(7)
  })
})

test('errors under status 200, by number, by word, and without either', () => {
  expect(errorIn(error(429, 'x', 'RESOURCE_EXHAUSTED'))?.status).toBe(429)
  expect(errorIn({ error: { status: 'UNAVAILABLE', message: 'x' } })?.status).toBe(529)
  expect(errorIn({ error: 'it broke' })).toMatchObject({ status: 502, anthropicType: 'api_error' })
  expect(errorIn({ candidates: [] })).toBeNull()
})

test('Own errors: secrets are removed, and no record holds what may quote the prompt', () => {
  const seen = failure(400, error(400, 'bad AIzaSyA1234567890 in: my secret prompt', 'INVALID_ARGUMENT'))
  expect(seen.shown).not.toContain('A1234567890')
  expect(seen.message).not.toContain('secret prompt')
})

import { expect, test } from 'vitest'
import { withoutSecrets } from './without-secrets.ts'

test.each([
  ['invalid x-api-key sk-ant-api03-AbC_dEf-123', 'invalid x-api-key sk-…'],
  ['Incorrect API key provided: sk-proj-0123456789.', 'Incorrect API key provided: sk-….'],
  ['gsk_0123456789abc and xai-0123456789abc', 'gsk_… and xai-…'],
  ['the key sbx_0123456789abcdef was refused', 'the key sbx_… was refused'],
  ['API key AIzaSyA-0123456789 not valid', 'API key AIza… not valid'],
  ['authorization: Bearer eyJhbGciOi.JIUzI1NiJ9.e30', 'authorization: Bearer …'],
])('leaves no credential in: %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown)
})

test('leaves words alone that only begin like one', () => {
  const text = 'The task-runner skipped risk-assessment-12345678; Bearer tokens and sketches are fine.'
  expect(withoutSecrets(text)).toBe(text)
})

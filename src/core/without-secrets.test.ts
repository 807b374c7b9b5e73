import { expect, test } from 'vitest'
import { nameWithoutKey, withoutSecrets } from './without-secrets.ts'

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

test.each([
  ['sk-ant-api03-AbCdEf0123456789', 'sk-…'],
  ['/v1/models/gsk_0123456789abcdefghij/x', '/v1/models/gsk_…/x'],
  ['user_1_session_sk-proj-0123456789abcdef', 'user_1_session_sk-…'],
  ['aizasya0123456789012345678901234567890', 'aiza…'],
  ['anthropic/xai-0123456789abcdefgh:503', 'anthropic/xai-…:503'],
])('a name gives away no key: %s', (name, shown) => {
  expect(nameWithoutKey(name)).toBe(shown)
})

test.each([
  'sk-portal.example.com',
  'sk-learning-platform-production.example.com',
  'claude-sonnet-4-5-20250929',
  'task-runner-0123456789abcdef',
  '5f0c2d7a-8c1e-4f7e-9d55-0c7b0a1b2c3d',
])('a name that is none stays whole: %s', (name) => {
  expect(nameWithoutKey(name)).toBe(name)
})

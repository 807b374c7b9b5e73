import { expect, test } from 'vitest'
import { isLoopbackHost, mayBind } from './may-bind.ts'

test.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])(
  '%s is this machine alone',
  (host) => expect(isLoopbackHost(host)).toBe(true),
)

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '127.0.0.1.example.com',
  '127.0.0.999',
  'localhost.example.com',
  '',
  '128.0.0.1',
])('%s can be reached by others', (host) => expect(isLoopbackHost(host)).toBe(false))

test('beyond loopback a client key must exist, and the reason says how to make one', () => {
  expect(mayBind('127.0.0.1', false)).toEqual({ allowed: true })
  expect(mayBind('0.0.0.0', true)).toEqual({ allowed: true })
  const refused = mayBind('0.0.0.0', false)
  expect(refused.allowed).toBe(false)
  expect('reason' in refused && refused.reason).toMatch(
    /HOST is 0\.0\.0\.0.*signalbox keys create --domain NAME.*127\.0\.0\.1/,
  )
})

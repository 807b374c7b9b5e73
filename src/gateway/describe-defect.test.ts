import { expect, test } from 'vitest'
import { GatewayError } from '../core/errors.ts'
import { describeDefect } from './describe-defect.ts'

function thrownBy(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

test('a defect is told by its kind and its place', () => {
  expect(describeDefect(thrownBy(() => JSON.parse('{')))).toMatch(/^SyntaxError at .*describe-defect\.test\.ts:\d+/)
})

test('what the error chokes on is not told', () => {
  const told = describeDefect(thrownBy(() => JSON.parse('Write a poem of trains\n    at the seaside')))
  expect(told).not.toMatch(/poem|trains|seaside/)
})

test('of an error that was wrapped, the first is told', () => {
  const cause = new TypeError('my secret plan')
  const told = describeDefect(new GatewayError('gateway_internal', 'The translation failed.', { cause }))
  expect(told).toMatch(/^TypeError at /)
  expect(told).not.toContain('plan')
})

test('anything may be thrown', () => {
  expect(describeDefect('a text')).toBe('not an error')
  expect(describeDefect(undefined)).toBe('not an error')
})

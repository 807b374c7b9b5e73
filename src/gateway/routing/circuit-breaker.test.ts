import { expect, test } from 'vitest'
import { CircuitBreaker } from './circuit-breaker.ts'

function breaker() {
  const time = { now: 0 }
  return { time, breaker: new CircuitBreaker({ now: () => time.now, monotonic: () => time.now }) }
}
const fail = (each: CircuitBreaker, times: number): void => {
  for (let n = 0; n < times; n++) each.failed()
}

test('opens after five failures in a row, and not after five with a success among them', () => {
  const { breaker: one } = breaker()
  fail(one, 4)
  one.succeeded()
  fail(one, 4)
  expect(one.state).toBe('closed')
  fail(one, 1)
  expect(one.state).toBe('open')
  expect(one.allows()).toBe(false)
})

test('lets one probe through after a pause; its success closes it', () => {
  const { breaker: one, time } = breaker()
  fail(one, 5)
  time.now = 5_000
  expect(one.state).toBe('half-open')
  expect([one.allows(), one.allows()]).toEqual([true, false])
  one.succeeded()
  expect(one.state).toBe('closed')
  expect([one.allows(), one.allows()]).toEqual([true, true])
})

test('waits longer after each probe that failed, two minutes at most', () => {
  const { breaker: one, time } = breaker()
  fail(one, 5)
  for (const pause of [5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]) {
    time.now += pause - 1
    expect(one.allows()).toBe(false)
    time.now += 1
    expect(one.allows()).toBe(true)
    one.failed()
  }
})

test('a late failure of a call from before is no failure of the probe', () => {
  const { breaker: one, time } = breaker()
  fail(one, 6)
  time.now = 5_000
  expect(one.state).toBe('half-open')
})

test('a probe whose caller left gives the next call its chance', () => {
  const { breaker: one, time } = breaker()
  fail(one, 5)
  time.now = 5_000
  expect(one.allows()).toBe(true)
  one.abandoned()
  expect(one.allows()).toBe(true)
})

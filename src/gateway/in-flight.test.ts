import { expect, test } from 'vitest'
import { InFlight } from './gateway.ts'

test('the stream that has been silent longest is known, and forgotten when it ends', () => {
  const inFlight = new InFlight()
  expect([inFlight.openStreams, inFlight.oldestIdleSeconds(9_000)]).toEqual([0, 0])
  const silent = { lastByteAt: 1_000 }
  const busy = { lastByteAt: 8_500 }
  inFlight.streamBegins(silent)
  inFlight.streamBegins(busy)
  expect([inFlight.openStreams, inFlight.oldestIdleSeconds(9_000)]).toEqual([2, 8])
  busy.lastByteAt = 500
  expect(inFlight.oldestIdleSeconds(9_000)).toBe(8.5)
  inFlight.streamEnds(silent)
  inFlight.streamEnds(silent)
  inFlight.streamEnds(busy)
  expect([inFlight.openStreams, inFlight.oldestIdleSeconds(9_000)]).toEqual([0, 0])
})

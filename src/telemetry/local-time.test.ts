import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLocalTime } from './local-time.ts'

describe('local time', () => {
  test('names the same instant it was given, in any zone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: Date.UTC(2099, 0) }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (instants, offset) => {
          const format = createLocalTime(() => offset)
          for (const instant of instants) {
            const text = format(instant)
            expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/)
            expect(Date.parse(text)).toBe(instant)
          }
        },
      ),
    )
  })

  test('follows the clocks being changed', () => {
    const change = Date.UTC(2026, 9, 25, 1)
    const format = createLocalTime((at) => (at < change ? 120 : 60))
    expect(format(change - 1)).toBe('2026-10-25T02:59:59.999+02:00')
    expect(format(change)).toBe('2026-10-25T02:00:00.000+01:00')
    expect(format(change - 1)).toBe('2026-10-25T02:59:59.999+02:00')
  })

  test("uses the machine's own zone unless told otherwise, for scripts grep the local hour", () => {
    const now = Date.UTC(2026, 6, 1, 12, 30)
    const hour = new Date(now).getHours()
    expect(createLocalTime()(now)).toContain(`T${String(hour).padStart(2, '0')}:`)
  })
})

import { expect, test } from 'vitest'
import { bytes, change, count, duration, money, percent, roughly } from './format.ts'

test.each([
  [0, '0'],
  [812, '812'],
  [9_999, '9,999'],
  [34_500, '34.5 k'],
  [1_249_000, '1.2 M'],
  [999_960, '1 M'],
  [2_400_000_000, '2.4 G'],
])('count %d is %s', (value, text) => expect(count(value)).toBe(text))

test.each([
  [0.42, '0.4 ms'],
  [812.4, '812 ms'],
  [999.7, '1 s'],
  [3_420, '3.4 s'],
  [59_960, '1 m 00 s'],
  [125_000, '2 m 05 s'],
  [3_720_000, '1 h 02 m'],
])('duration %d is %s', (value, text) => expect(duration(value)).toBe(text))

test.each([
  [0, '$0'],
  [12.4, '$12.40'],
  [1234.5, '$1,234.50'],
  [0.25, '$0.250'],
  [0.0793, '$0.0793'],
  [0.000004, '$0.000004'],
  [0.0000000001, '< $0.000001'],
  [250_000, '$250 k'],
])('money %d is %s', (value, text) => expect(money(value)).toBe(text))

test.each([
  [0, '0 %'],
  [0.0002, '0.02 %'],
  [0.034, '3.4 %'],
  [1, '100 %'],
])('percent %d is %s', (value, text) => expect(percent(value)).toBe(text))

test.each([
  [112, 100, '+12 %'],
  [96, 100, '−4 %'],
  [100.1, 100, '±0 %'],
  [5, 0, null],
  [null, 3, null],
  [2_000, 100, '+20×'],
])('change from %d against %d is %s', (now, before, text) => expect(change(now, before)).toBe(text))

test('bytes', () => {
  expect([512, 48_200, 1_250_000, 1.64e9, 2.2e12].map(bytes)).toEqual([
    '512 B',
    '48.2 kB',
    '1.3 MB',
    '1.6 GB',
    '2.2 TB',
  ])
})

test('rough spans of time', () => {
  const minute = 60_000
  expect([45_000, 12 * minute, 5 * 60 * minute, 72 * 60 * minute, 1.3e11, 1e14].map(roughly)).toEqual([
    '45 s',
    '12 min',
    '5 h',
    '3 days',
    '4 years',
    'over 100 years',
  ])
})

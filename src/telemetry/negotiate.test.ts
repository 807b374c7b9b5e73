import { expect, test } from 'vitest'
import { wantsExposition } from './negotiate.ts'

test.each([
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'application/openmetrics-text; version=1.0.0; charset=utf-8',
  'text/plain;version=0.0.4',
  'text/plain; version=0.0.4; charset=utf-8',
  'text/plain ; version = "0.0.4"',
  'TEXT/PLAIN;VERSION=0.0.4',
])('a scraper that accepts %s gets the metrics', (accept) => {
  expect(wantsExposition(accept)).toBe(true)
})

test.each([
  undefined,
  '',
  '*/*',
  'text/plain',
  'text/plain, */*',
  'application/json',
  'text/html,application/xhtml+xml,*/*;q=0.8',
  'text/plain;version=0.0.4;q=0',
  'text/plain;version=1.0.0',
])('a caller that accepts %s gets the health', (accept) => {
  expect(wantsExposition(accept)).toBe(false)
})

import { expect, test } from 'vitest'
import { logFilePath, telemetryConfig } from './config.ts'

test('nothing has to be set', () => {
  expect(telemetryConfig.parse({})).toEqual({
    logLevel: 'info',
    logFormat: 'auto',
    logFileEventField: 'event',
    domainLabels: 100,
    modelLabels: 30,
  })
})

test('the token for scrapers does not show when it is printed', () => {
  const config = telemetryConfig.parse({ metricsToken: 'hunter2' })
  expect(JSON.stringify(config)).not.toContain('hunter2')
  expect(config.metricsToken?.reveal()).toBe('hunter2')
})

test('LOG_FILE=true means the usual place', () => {
  expect(logFilePath(undefined)).toBeUndefined()
  expect(logFilePath('./my.log')).toBe('./my.log')
  for (const yes of ['true', '1', 'default']) expect(logFilePath(yes)).toBe('/var/log/ccproxy/app.log')
})

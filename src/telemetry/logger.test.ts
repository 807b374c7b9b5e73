import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { movableClock } from '../../test/support/telemetry.ts'
import type { LogFields } from '../core/logger.ts'
import { createLocalTime } from './local-time.ts'
import type { LogLevel } from './log-line.ts'
import { createLogOutput } from './log-output.ts'
import { createLogger } from './logger.ts'

function testLogger(options: { level?: LogLevel; eventField?: string } = {}) {
  const stdout: string[] = []
  const file: string[] = []
  const output = createLogOutput({
    level: options.level ?? 'debug',
    stdout: { push: (line) => stdout.push(line) },
    file: { push: (line) => file.push(line) },
    eventField: options.eventField ?? 'event',
    onLine: () => {},
  })
  const logger = createLogger({ clock: movableClock(), localTime: createLocalTime(() => 0), output })
  return { logger, stdout, file, last: (): Record<string, unknown> => JSON.parse(stdout.at(-1) ?? '') }
}

describe('the logger', () => {
  test('writes one compact JSON line a call, the same to both places', () => {
    const { logger, stdout, file } = testLogger()
    logger.warn('disk_nearly_full', 'less than 1 GB left', { free_bytes: 12, path: '/data', skipped: undefined })
    expect(stdout).toEqual([
      '{"@timestamp":"2026-09-01T12:00:00.000+00:00","timestamp":1788264000000,"level":"warn","severity":"WARNING",' +
        '"event":"disk_nearly_full","message":"less than 1 GB left","free_bytes":12,"path":"/data"}\n',
    ])
    expect(file).toEqual(stdout)
  })

  test('is silent below its level', () => {
    const { logger, stdout } = testLogger({ level: 'warn' })
    logger.debug('a', 'a')
    logger.info('b', 'b')
    logger.warn('c', 'c')
    logger.error('d', 'd')
    expect(stdout).toHaveLength(2)
  })

  test('renames `event` in the file alone, and only the field', () => {
    const { logger, stdout, file } = testLogger({ eventField: 'event_name' })
    logger.info('hello', 'it says ,"event":"x"', { note: ',"event":"y"' })
    expect(JSON.parse(stdout[0] ?? '')).toMatchObject({ event: 'hello' })
    const read = JSON.parse(file[0] ?? '')
    expect(read).toMatchObject({ event_name: 'hello', message: 'it says ,"event":"x"', note: ',"event":"y"' })
    expect(read).not.toHaveProperty('event')
  })

  test.each(['type', 'host', 'error', 'service', 'action', 'duration_ms', 'level', 'timestamp', 'tokens', 'status'])(
    'does not let a caller take the name %s, which readers give a meaning of their own',
    (name) => {
      const { logger, last } = testLogger()
      logger.info('an_event', 'words', { [name]: 'mine' })
      expect(last()).toMatchObject({ level: 'info', event: 'an_event', [`field_${name}`]: 'mine' })
    },
  )

  test('leaves out what is not flat, whatever the types promised', () => {
    const { logger, last } = testLogger()
    const fields = { body: { prompt: 'secret' }, list: [1], nothing: null, nan: Number.NaN, big: 10n, kept: 1 }
    // A caller that passes on what it was handed, past its types.
    logger.info('an_event', 'words', fields as unknown as LogFields)
    expect(Object.keys(last()).slice(6)).toEqual(['kept'])
  })

  test('cuts what is longer than a log store will index', () => {
    const { logger, last } = testLogger()
    logger.info('an_event', 'm'.repeat(10_000), { long: 'f'.repeat(10_000) })
    expect(String(last().message).length).toBe(4001)
    expect(String(last().long).length).toBe(4001)
  })

  test('never gives a field two types, nor a line a line feed', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.boolean())
    const name = fc.oneof(
      fc.constantFrom('port', 'provider', 'type', '__proto__', 'status'),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(fc.dictionary(name, value, { maxKeys: 5 }), { maxLength: 20 }), (calls) => {
        const { logger, stdout } = testLogger()
        for (const fields of calls) logger.info('an_event', 'words', fields)
        const types = new Map<string, string>()
        for (const line of stdout) {
          expect(line.indexOf('\n')).toBe(line.length - 1)
          for (const [field, found] of Object.entries(JSON.parse(line))) {
            expect(found).not.toBeNull()
            expect(types.get(field) ?? typeof found, field).toBe(typeof found)
            types.set(field, typeof found)
          }
        }
      }),
    )
  })
})

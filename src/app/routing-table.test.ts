import { expect, test } from 'vitest'
import { configSchema } from '../config/schema.ts'
import { minuteOfDayIn, routingTable } from './routing-table.ts'

test('routes of the file become rules: header names in lower case, hours as minutes, what is left out as null', () => {
  const config = configSchema.parse({
    routing: {
      aliases: { fast: 'claude-haiku-4-5' },
      routes: [
        {
          name: 'night',
          when: { hours: '22:00-06:30', headers: { 'X-Team': 'a*' }, thinking: false },
          targets: [
            { provider: 'ollama', model: 'qwen3', maxConcurrent: 4 },
            { provider: 'anthropic', priority: 1 },
          ],
        },
        { name: 'rest', when: { hours: '06:30-24:00' }, targets: [{ provider: 'anthropic' }] },
      ],
    },
  })
  expect(routingTable(config, ['anthropic'])).toEqual({
    aliases: { fast: 'claude-haiku-4-5' },
    rules: [
      {
        name: 'night',
        when: { minutes: { from: 1320, to: 390 }, headers: { 'x-team': 'a*' }, thinking: false },
        targets: [
          { provider: 'ollama', model: 'qwen3', weight: 1, priority: 0, maxConcurrent: 4 },
          { provider: 'anthropic', model: null, weight: 1, priority: 1, maxConcurrent: null },
        ],
      },
      {
        name: 'rest',
        when: { minutes: { from: 390, to: 1440 } },
        targets: [{ provider: 'anthropic', model: null, weight: 1, priority: 0, maxConcurrent: null }],
      },
    ],
    defaultProvider: 'anthropic',
    providers: new Set(['anthropic']),
  })
})

test('the time of day is that of the zone, summer time and half hours included', () => {
  expect(minuteOfDayIn('UTC')(Date.UTC(2026, 6, 1, 0, 5))).toBe(5)
  expect(minuteOfDayIn('Europe/Berlin')(Date.UTC(2026, 6, 1, 22, 5))).toBe(5)
  expect(minuteOfDayIn('Europe/Berlin')(Date.UTC(2026, 0, 1, 22, 5))).toBe(23 * 60 + 5)
  expect(minuteOfDayIn('Asia/Kolkata')(Date.UTC(2026, 0, 1, 18, 30))).toBe(0)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageMeter } from '../core/usage-meter.ts'
import { SseTap } from './sse-tap.ts'

const message = {
  model: 'claude-x',
  usage: {
    input_tokens: 9,
    output_tokens: 1,
    cache_read_input_tokens: 4,
    cache_creation_input_tokens: 6,
    cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 2 },
  },
}
const frames = (newline: string): string =>
  [
    ': a comment',
    '',
    'event: message_start',
    `data: ${JSON.stringify({ type: 'message_start', message })}`,
    '',
    'event:ping',
    'data:{"type": "ping"}',
    '',
    'event: content_block_delta',
    `data: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüße 🚂' } })}`,
    '',
    'event: unknown_event',
    'data: one',
    'data: two',
    '',
    'event: message_delta',
    `data: ${JSON.stringify({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 77, cache_creation_input_tokens: 8 } })}`,
    '',
    'event: message_stop',
    'data: {"type":"message_stop"}',
  ].join(newline)

function read(stream: Buffer, cuts: readonly number[]) {
  const events: [string, string][] = []
  const meter = new UsageMeter()
  const tap = new SseTap((name, data) => {
    events.push([name, data.toString()])
    meter.event(name, data, 5)
  })
  let from = 0
  for (const cut of [...cuts, stream.length]) {
    tap.push(stream.subarray(from, cut))
    from = cut
  }
  tap.finish()
  return { events, metered: meter.result(), complete: meter.complete, firstTokenAt: meter.firstTokenAt }
}

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('an event stream with %s', (_name, newline) => {
  const stream = Buffer.from(frames(newline))
  const whole = read(stream, [])

  test('gives its events and counts, the last one without a blank line too', () => {
    expect(whole.events.map(([name]) => name)).toEqual([
      'message_start',
      'ping',
      'content_block_delta',
      'unknown_event',
      'message_delta',
      'message_stop',
    ])
    expect(whole.events[3]?.[1]).toBe('one\ntwo')
    expect(whole).toMatchObject({
      complete: true,
      firstTokenAt: 5,
      metered: {
        stopReason: 'tool_use',
        usageSource: 'reported',
        usageFlags: ['write_split_inferred'],
        usage: { input: 9, output: 77, cacheRead: 4, cacheWrite5m: 6, cacheWrite1h: 2 },
      },
    })
  })

  test('gives the same when it is cut at any one byte', () => {
    for (let cut = 0; cut <= stream.length; cut++) expect(read(stream, [cut])).toEqual(whole)
  })

  test('gives the same at any chunking', () => {
    const cuts = fc
      .uniqueArray(fc.nat(stream.length), { maxLength: 40 })
      .map((list) => list.sort((left, right) => left - right))
    fc.assert(
      fc.property(cuts, (list) => {
        expect(read(stream, list)).toEqual(whole)
      }),
    )
  })

  test('never claims to be complete when it breaks off before message_stop', () => {
    const stop = stream.indexOf('event: message_stop')
    for (let end = 0; end <= stop; end++) {
      const cut = read(stream.subarray(0, end), [])
      expect(cut.complete).toBe(false)
      expect(cut.metered.usageSource).not.toBe('reported')
    }
  })
})

test('bytes that are no event stream disturb nothing', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void read(Buffer.from(bytes), [])))
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../test/support/event-stream-checker.ts'
import { EventStreamWriter, MessageWriter } from './answer-writers.ts'
import { GatewayError } from './errors.ts'
import { type AnswerStart, MessageStream } from './message-stream.ts'

const start: AnswerStart = { id: 'msg_1', model: 'opus', estimatedInputTokens: 12 }

type Step =
  | { do: 'text' | 'thinking' | 'signature'; text: string }
  | { do: 'call'; key: number }
  | { do: 'input'; key: number; json: string }

function play(steps: readonly Step[], writer: EventStreamWriter | MessageWriter): MessageStream {
  const stream = new MessageStream(writer, start)
  const begun = new Set<number>()
  for (const step of steps) {
    if (step.do === 'text') stream.text(step.text)
    else if (step.do === 'thinking') stream.thinking(step.text)
    else if (step.do === 'signature') stream.signature(step.text)
    else if (step.do === 'call' && !begun.has(step.key)) {
      begun.add(step.key)
      stream.call(step.key, `toolu_${step.key}`, `tool${step.key}`)
    } else if (step.do === 'input' && begun.has(step.key)) stream.callInput(step.key, step.json)
  }
  return stream
}

const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const anySteps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('text' as const, 'thinking' as const, 'signature' as const), text: texts }),
    fc.record({ do: fc.constant('call' as const), key: fc.nat(3) }),
    // Any input is a piece of JSON text; whole inputs are checked at the end of a call.
    fc.record({
      do: fc.constant('input' as const),
      key: fc.nat(3),
      json: fc.constantFrom('{', '}', '{}', '"a":1', ''),
    }),
  ),
  { maxLength: 30 },
)

describe('the order of an answer', () => {
  test('always satisfies the grammar, up to where it was refused', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const writer = new EventStreamWriter()
        let refused = false
        try {
          const stream = play(steps, writer)
          stream.stop(stream.hasCalls ? 'tool_use' : 'end_turn')
          stream.end()
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
          refused = true
        }
        const seen = checkEventStream(writer.take())
        expect(seen.complete).toBe(!refused)
      }),
    )
  })

  test('gives the same message as stream and as a whole', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const events = new EventStreamWriter()
        const whole = new MessageWriter()
        let refused = 0
        for (const writer of [events, whole]) {
          try {
            const stream = play(steps, writer)
            stream.usage({ inputTokens: 5, outputTokens: 7 })
            stream.stop('end_turn')
            stream.end()
          } catch {
            refused += 1
          }
        }
        expect([0, 2]).toContain(refused)
        if (refused === 0) expect(checkEventStream(events.take()).message).toEqual(JSON.parse(whole.body ?? 'null'))
        else expect(whole.body).toBeNull()
      }),
    )
  })

  test('streams the first call, keeps those beside it, and sends them in order', () => {
    const writer = new EventStreamWriter()
    const stream = new MessageStream(writer, start)
    stream.call(0, 'a', 'read')
    stream.callInput(0, '{"x"')
    stream.call(1, 'b', 'write')
    stream.callInput(1, '{"y":2}')
    stream.callInput(0, ':1}')
    stream.stop('tool_use')
    stream.end()
    expect(checkEventStream(writer.take()).message.content).toEqual([
      { type: 'tool_use', id: 'a', name: 'read', input: { x: 1 } },
      { type: 'tool_use', id: 'b', name: 'write', input: { y: 2 } },
    ])
  })

  test('a call that is told to be complete makes room for the next, and for what follows', () => {
    const writer = new EventStreamWriter()
    const stream = new MessageStream(writer, start)
    stream.call(0, 'a', 'read')
    stream.call(1, 'b', 'write')
    stream.callInput(1, '{"y":2}')
    stream.callEnd(1)
    stream.call(2, 'c', 'list')
    expect(writer.take()).not.toContain('"id":"b"')
    stream.callEnd(0)
    expect(writer.take()).toContain('"id":"c"')
    stream.callInput(2, '{"z":3}')
    stream.callEnd(2)
    stream.text('then')
    stream.stop('tool_use')
    stream.end()
    const whole = new MessageWriter()
    const again = new MessageStream(whole, start)
    again.call(0, 'a', 'read')
    again.call(1, 'b', 'write')
    again.callEnd(1)
    again.callEnd(0)
    again.text('then')
    again.stop('tool_use')
    again.end()
    expect(JSON.parse(whole.body ?? '').content.map(({ type }: { type: string }) => type)).toEqual([
      'tool_use',
      'tool_use',
      'text',
    ])
  })

  test('a call that is told to be complete and is not stays open, for the limit may have cut it', () => {
    const writer = new MessageWriter()
    const stream = new MessageStream(writer, start)
    stream.call(0, 'a', 'read')
    stream.callInput(0, '{"x"')
    stream.callEnd(0)
    stream.stop('max_tokens')
    stream.end()
    expect(JSON.parse(writer.body ?? '').content[0].input).toEqual({ incomplete_json: '{"x"' })
  })

  test('keeps texts apart where they are told apart', () => {
    const writer = new MessageWriter()
    const stream = new MessageStream(writer, start)
    stream.textEnd()
    stream.text('a')
    stream.text('b')
    stream.textEnd()
    stream.text('c')
    stream.stop('end_turn')
    stream.end()
    expect(JSON.parse(writer.body ?? '').content).toEqual([
      { type: 'text', text: 'ab' },
      { type: 'text', text: 'c' },
    ])
  })

  test('says the input of a call is no JSON before its block closes', () => {
    const writer = new EventStreamWriter()
    const stream = new MessageStream(writer, start)
    stream.call(0, 'a', 'read')
    stream.callInput(0, '{"x"')
    expect(() => stream.stop('tool_use')).toThrow('not JSON')
    expect(writer.take()).not.toContain('content_block_stop')
  })

  test('passes half an input on where the token limit cut it off', () => {
    const writer = new EventStreamWriter()
    const stream = new MessageStream(writer, start)
    stream.call(0, 'a', 'read')
    stream.callInput(0, '{"x"')
    stream.stop('max_tokens')
    stream.end()
    expect(writer.take()).toContain('"stop_reason":"max_tokens"')
  })

  test('closes a thinking block with one signature, the last of them', () => {
    const writer = new MessageWriter()
    const stream = new MessageStream(writer, start)
    stream.thinking('hm')
    stream.signature('s1')
    stream.signature('s2')
    stream.text('so')
    stream.signature('s3')
    stream.stop('end_turn')
    stream.end()
    expect(JSON.parse(writer.body ?? '').content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 's2' },
      { type: 'text', text: 'so' },
      { type: 'thinking', thinking: '', signature: 's3' },
    ])
  })

  test('an answer that never said why it ended is not complete', () => {
    const stream = new MessageStream(new EventStreamWriter(), start)
    stream.text('half')
    expect(() => stream.end()).toThrow('not complete')
  })

  test('tells the estimate first and the truth at the end', () => {
    const writer = new EventStreamWriter()
    const stream = new MessageStream(writer, start)
    stream.text('hi')
    stream.usage({ inputTokens: 3, cacheReadTokens: 90 })
    stream.usage({ outputTokens: 2 })
    stream.stop('end_turn')
    stream.end()
    const text = writer.take()
    expect(text).toContain('"input_tokens":12')
    expect(checkEventStream(text).message.usage).toMatchObject({
      input_tokens: 3,
      cache_read_input_tokens: 90,
      output_tokens: 2,
    })
  })
})

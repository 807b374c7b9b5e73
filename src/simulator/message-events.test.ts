import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkGrammar } from '../../test/support/messages-stream.ts'
import { isJson } from '../core/messages.ts'
import type { AnswerBlock } from './answer.ts'
import { deliver } from './message-events.ts'
import { createRandom } from './random.ts'
import { signThinking } from './signature.ts'

const noLimits = { maxTokens: 1_000_000, stopSequences: [], stopReason: undefined }

const block: fc.Arbitrary<AnswerBlock> = fc.oneof(
  fc.record({
    type: fc.constant('text' as const),
    text: fc.string({ unit: 'grapheme', maxLength: 300 }),
    whole: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('tool_use' as const),
    id: fc.constant('toolu_1'),
    name: fc.constant('Bash'),
    input: fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })),
  }),
  fc.string({ unit: 'grapheme', maxLength: 300 }).map((thinking) => ({
    type: 'thinking' as const,
    thinking,
    signature: signThinking(thinking, createRandom('s')),
    hiddenTokens: 0,
  })),
  fc.constant({ type: 'redacted_thinking' as const, data: 'abc', hiddenTokens: 20 }),
)

const whole = (events: ReturnType<typeof deliver>['events']) => [
  { name: 'message_start', data: { type: 'message_start' } },
  ...events.map(({ name, data }) => ({ name, data })),
  { name: 'message_delta', data: { type: 'message_delta' } },
  { name: 'message_stop', data: { type: 'message_stop' } },
]

test('every answer keeps the grammar and stays within max_tokens', () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 5 }),
      fc.integer({ min: 1, max: 400 }),
      fc.string(),
      (blocks, maxTokens, seed) => {
        const delivered = deliver(blocks, { ...noLimits, maxTokens }, createRandom(seed))
        checkGrammar(whole(delivered.events))
        expect(delivered.outputTokens).toBeLessThanOrEqual(maxTokens)
        expect(delivered.thinkingTokens).toBeLessThanOrEqual(delivered.outputTokens)
      },
    ),
  )
})

test('the deltas of a block add up to the block, whatever its characters', () => {
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 4 }), fc.string(), (blocks, seed) => {
      const { events, content } = deliver(blocks, noLimits, createRandom(seed))
      for (const [index, expected] of content.entries()) {
        const deltas = events
          .filter((e) => e.name === 'content_block_delta' && e.data.index === index)
          .map((e) => (isJson(e.data.delta) ? e.data.delta : {}))
        const joined = (key: string): string => deltas.map((delta) => String(delta[key] ?? '')).join('')
        if (expected.type === 'text') expect(joined('text')).toBe(expected.text)
        if (expected.type === 'thinking') expect(joined('thinking')).toBe(expected.thinking)
        if (expected.type === 'tool_use') expect(JSON.parse(joined('partial_json') || '{}')).toEqual(expected.input)
      }
    }),
  )
})

test('an answer cut by max_tokens says so, whole ones say why they ended', () => {
  const text: AnswerBlock = { type: 'text', text: 'one two three four five six seven eight', whole: false }
  const tool: AnswerBlock = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } }
  const random = () => createRandom('x')
  expect(deliver([text], { ...noLimits, maxTokens: 4 }, random())).toMatchObject({
    stopReason: 'max_tokens',
    outputTokens: 4,
  })
  expect(deliver([text], noLimits, random()).stopReason).toBe('end_turn')
  expect(deliver([text, tool], noLimits, random()).stopReason).toBe('tool_use')
})

test('a stop sequence ends the text before it', () => {
  const text: AnswerBlock = { type: 'text', text: 'one two STOP three', whole: false }
  const delivered = deliver([text], { ...noLimits, stopSequences: ['never', 'STOP'] }, createRandom('x'))
  expect(delivered).toMatchObject({
    stopReason: 'stop_sequence',
    stopSequence: 'STOP',
    content: [{ text: 'one two ' }],
  })
})

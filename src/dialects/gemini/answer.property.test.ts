import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { chunkOf, contextFor, events, goneBack, streamThrough } from '../../../test/support/gemini.ts'

// Generated cases take seconds on a slow machine.
vi.setConfig({ testTimeout: 60_000 })

const anyPart = fc.oneof(
  fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 8 }) }),
  fc.record({ text: fc.string({ maxLength: 8 }), thoughtSignature: fc.base64String({ minLength: 4, maxLength: 8 }) }),
  fc.record({ text: fc.string({ minLength: 1, maxLength: 8 }), thought: fc.constant(true) }),
  fc.record({
    functionCall: fc.record({
      name: fc.constantFrom('a', 'b'),
      args: fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue()),
    }),
  }),
  fc.record({
    functionCall: fc.record({ name: fc.constant('c'), id: fc.string({ maxLength: 5 }) }),
    thoughtSignature: fc.base64String({ minLength: 4, maxLength: 8 }),
  }),
  fc.constantFrom({ executableCode: {} }, { inlineData: {} }, {}),
)
const anyFinish = fc.constantFrom('STOP', 'MAX_TOKENS', 'SAFETY', 'OTHER', 'MALFORMED_FUNCTION_CALL', undefined)
const anyChunks = fc
  .tuple(fc.array(fc.array(anyPart, { maxLength: 4 }), { maxLength: 5 }), anyFinish)
  .map(([all, finish]) => [...all.map((parts) => chunkOf(parts)), chunkOf([], finish)])

describe('any answer', () => {
  test('satisfies the grammar, and is the same for any chunking', () => {
    fc.assert(
      fc.property(anyChunks, fc.array(fc.nat(), { maxLength: 12 }), (chunks, places) => {
        const body = events(...chunks)
        const whole = streamThrough(contextFor(), [body])
        const { complete } = checkEventStream(whole.text)
        expect(complete).toBe(whole.error === null)
        const marks = [0, ...places.map((place) => place % (body.length + 1)).sort((a, b) => a - b), body.length]
        const pieces = marks.slice(1).map((mark, index) => body.subarray(marks[index], mark))
        expect(streamThrough(contextFor(), pieces)).toEqual(whole)
      }),
    )
  })
  test('goes back as it came: texts, thoughts, calls, each with its own signature', () => {
    fc.assert(
      fc.property(anyChunks, (chunks) => {
        const { text, error } = streamThrough(contextFor(), [events(...chunks)])
        if (error !== null) return
        const { content } = checkEventStream(text).message
        const calls = content.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id))
        if (content.length === 0) return
        const back: Record<string, unknown>[] = goneBack(content, calls)
        type Part = {
          text?: string
          thought?: boolean
          thoughtSignature?: string
          functionCall?: { name: string; args?: object }
        }
        const came = chunks.flatMap(
          (chunk) => (chunk as { candidates: { content: { parts: Part[] } }[] }).candidates[0]?.content.parts ?? [],
        )
        const digest = (parts: readonly Part[]) => ({
          text: parts
            .filter((part) => part.thought !== true)
            .map((part) => part.text ?? '')
            .join(''),
          thoughts: parts
            .filter((part) => part.thought === true)
            .map((part) => part.text ?? '')
            .join(''),
          calls: parts.flatMap(({ functionCall, thoughtSignature }) =>
            functionCall === undefined
              ? []
              : [
                  [
                    functionCall.name,
                    functionCall.args ?? {},
                    thoughtSignature === 'skip_thought_signature_validator' ? undefined : thoughtSignature,
                  ],
                ],
          ),
          signed: parts
            .filter((part) => part.thoughtSignature !== undefined && part.functionCall === undefined)
            .map((part) => [part.text ?? '', part.thoughtSignature]),
        })
        expect(digest(back as Part[])).toEqual(digest(came))
      }),
      { numRuns: 150 },
    )
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, cuts, sent, streamThrough } from '../../../test/support/gemini.ts'
import { gemini } from './index.ts'

const folder = '../shared/fixtures/recordings/gemini'

interface Expected {
  readonly text: string
  readonly thought: string
  readonly function_calls: readonly { readonly id?: string; readonly name: string; readonly args: unknown }[]
  readonly thought_signatures: number
  readonly finish_reason: string | null
  readonly usage: Record<string, number> | null
  readonly model: string | null
  readonly error: { readonly message: string; readonly details?: readonly object[] } | null
  readonly finish_message: string | null
  readonly prompt_feedback: unknown
}

interface Recording {
  readonly name: string
  readonly api: string
  readonly body: Buffer
  readonly status: number
  readonly isStream: boolean
  readonly expected: Expected
}

function readRecordings(): Recording[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder)
  return files
    .filter((file) => file.endsWith('.meta.json'))
    .flatMap((file) => {
      const meta = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      const name = file.replace('.meta.json', '')
      const data = files.find((other) => other.startsWith(`${name}.`) && other !== file)
      if (meta.api !== 'gemini-generateContent' || data === undefined) return []
      return [{ ...meta, name, body: readFileSync(join(folder, data)), isStream: data.endsWith('.sse') }]
    })
}

/** The digest's usage in the wire's words, written by the usage table alone. */
function expectedUsage(usage: Record<string, number>): Record<string, number> {
  const read = usage.cachedContentTokenCount ?? 0
  return {
    input_tokens: (usage.promptTokenCount ?? 0) - read + (usage.toolUsePromptTokenCount ?? 0),
    cache_read_input_tokens: read,
    cache_creation_input_tokens: 0,
    output_tokens: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
  }
}

const stopReasons: Record<string, string> = { STOP: 'end_turn', MAX_TOKENS: 'max_tokens', OTHER: 'end_turn' }
const errorFinishes = [
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MISSING_THOUGHT_SIGNATURE',
]

function expectAnswer(message: Record<string, unknown>, { expected }: Recording): void {
  const content = message.content as Record<string, unknown>[]
  const all = (type: string, field: string) =>
    content
      .filter((block) => block.type === type)
      .map((block) => block[field])
      .join('')
  expect(all('text', 'text')).toBe(expected.text)
  expect(all('thinking', 'thinking')).toBe(expected.thought)
  const calls = content.filter(({ type }) => type === 'tool_use')
  expect(calls.map(({ name, input }) => ({ name, args: input }))).toEqual(
    expected.function_calls.map(({ name, args }) => ({ name, args })),
  )
  const finish = expected.finish_reason ?? 'SAFETY'
  expect(message.stop_reason).toBe(
    calls.length > 0 && finish === 'STOP' ? 'tool_use' : (stopReasons[finish] ?? 'refusal'),
  )
  if (expected.usage !== null) expect(message.usage).toMatchObject(expectedUsage(expected.usage))
  // All signatures are in the next turn again.
  const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' }))
  const next = [...results, { type: 'text', text: 'go on' }]
  const messages = [
    { role: 'user', content: 'x' },
    { role: 'assistant', content },
    { role: 'user', content: next },
  ]
  const parts = sent({ messages }).body.contents.flatMap(({ parts }: { parts: object[] }) => parts)
  const back = parts.filter(
    ({ thoughtSignature }: Record<string, unknown>) =>
      thoughtSignature !== undefined && thoughtSignature !== 'skip_thought_signature_validator',
  )
  expect(back).toHaveLength(expected.thought_signatures)
}

const recordings = readRecordings()

describe.skipIf(recordings.length === 0)('recorded answers', () => {
  for (const recording of recordings) {
    const { name, body, status, expected } = recording
    const isFailure = expected.error !== null || errorFinishes.includes(expected.finish_reason ?? '')
    if (recording.isStream && status < 400) {
      test.each(Object.keys(cuts))(`${name} at chunks of %s`, (cut) => {
        const seen = streamThrough(contextFor(), cuts[cut]?.(body) ?? [])
        const stream = checkEventStream(seen.text)
        if (isFailure) {
          expect(seen.error?.shown).toContain(expected.error?.message ?? expected.finish_message)
          expect(stream.complete).toBe(false)
        } else {
          expect(seen.error).toBeNull()
          expect(stream.complete).toBe(true)
          expectAnswer(stream.message, recording)
          expect(seen.facts.usageReported).toBe(expected.usage !== null)
          expect(seen.facts.servedModel).toBe(expected.model)
        }
        // The same with other line ends, and without the last blank line.
        const lines = body.toString('latin1').replaceAll('\r\n', '\n').trimEnd()
        for (const end of ['\r\n', '\n']) {
          const other = Buffer.from(lines.replaceAll('\n', end), 'latin1')
          expect(streamThrough(contextFor(), [other])).toEqual(seen)
        }
      })
    } else if (status < 400) {
      test.each(['message', 'events'] as const)(`${name} as %s`, (form) => {
        if (isFailure) expect(() => answerFrom(body, form)).toThrow()
        else expectAnswer(answerFrom(body, form).message, recording)
      })
    } else {
      test(name, () => {
        const failure = gemini.toFailure(status, [], body, 0)
        expect(failure.shown).toContain(expected.error?.message)
        expect(failure.status).toBe(status)
        const delay = expected.error?.details
          ?.map((detail) => (detail as { retryDelay?: string }).retryDelay)
          .find(Boolean)
        if (delay !== undefined) expect(failure.retryAfterSeconds).toBe(Math.ceil(Number.parseFloat(delay)))
      })
    }
  }
})

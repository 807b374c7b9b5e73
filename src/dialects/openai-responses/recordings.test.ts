import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, cuts, streamThrough } from '../../../test/support/openai-responses.ts'
import { openAiResponses } from './index.ts'

const root = '../shared/fixtures/recordings'

interface Recording {
  readonly name: string
  readonly body: Buffer
  readonly status: number
  readonly stream: boolean
  readonly expected: {
    readonly text: string
    readonly reasoning: string
    readonly refusal?: string
    readonly tool_calls: readonly { id: string; name: string; input: unknown }[]
    readonly status: string | null
    readonly incomplete_details?: { readonly reason?: string } | null
    // biome-ignore lint/suspicious/noExplicitAny: a recorded object, read by name.
    readonly usage: any
    readonly error: { readonly message?: string } | null
  }
}

function readRecordings(): Recording[] {
  if (!existsSync(root)) return []
  return readdirSync(root).flatMap((provider) => {
    const folder = join(root, provider)
    const files = readdirSync(folder)
    return files
      .filter((file) => file.endsWith('.meta.json'))
      .flatMap((file) => {
        const meta = JSON.parse(readFileSync(join(folder, file), 'utf8'))
        const data = files.find((other) => other !== file && other.startsWith(file.replace('meta.json', '')))
        if (meta.api !== 'openai-responses' || data === undefined) return []
        const body = readFileSync(join(folder, data))
        return [{ ...meta, name: `${provider}/${data}`, body, stream: data.endsWith('.sse') }]
      })
  })
}

function stopOf({ status, tool_calls: calls, refusal, incomplete_details: details }: Recording['expected']): string {
  if (status === 'incomplete') return details?.reason === 'content_filter' ? 'refusal' : 'max_tokens'
  if (calls.length > 0) return 'tool_use'
  return (refusal ?? '') === '' ? 'end_turn' : 'refusal'
}

function expectAnswer(message: Record<string, unknown>, expected: Recording['expected']): void {
  const content = message.content as Record<string, unknown>[]
  const all = (type: string, field: string) =>
    content
      .filter((block) => block.type === type)
      .map((block) => block[field])
      .join('')
  expect(all('text', 'text')).toBe(expected.text + (expected.refusal ?? ''))
  expect(all('thinking', 'thinking')).toBe(expected.reasoning)
  const calls = content.filter(({ type }) => type === 'tool_use')
  expect(calls.map(({ id, name, input }) => ({ id, name, input }))).toEqual(expected.tool_calls)
  expect(message.stop_reason).toBe(stopOf(expected))
  if (expected.usage === null) return
  const { input_tokens: input, output_tokens: output, input_tokens_details: details } = expected.usage
  const read = details?.cached_tokens ?? 0
  const write = details?.cache_write_tokens ?? 0
  expect(message.usage).toMatchObject({
    input_tokens: input - read - write,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: write,
    output_tokens: output,
  })
}

const recordings = readRecordings()

describe.skipIf(recordings.length === 0)('recorded answers', () => {
  for (const { name, body, status, stream, expected } of recordings) {
    if (status >= 400)
      test(name, () => {
        const failure = openAiResponses.toFailure(status, [], body, 0)
        expect(failure.shown).toContain(String(expected.error?.message))
      })
    else if (!stream)
      test.each(['message', 'events'] as const)(`${name} as %s`, (form) => {
        expectAnswer(answerFrom(contextFor(), body.toString('utf8'), form).message, expected)
      })
    else
      test.each(Object.keys(cuts))(`${name} at chunks of %s`, (cut) => {
        const seen = streamThrough(contextFor(), cuts[cut]?.(body) ?? [])
        const checked = checkEventStream(seen.text)
        if (expected.error === null) {
          expect(seen.error).toBeNull()
          expect(checked.complete).toBe(true)
          expectAnswer(checked.message, expected)
          expect(seen.facts.usageReported).toBe(expected.usage !== null)
        } else {
          expect(seen.error?.shown).toContain(expected.error.message)
          expect(checked.complete).toBe(false)
        }
        // The same with CRLF, and without the last blank line.
        const crlf = Buffer.from(body.toString('latin1').trimEnd().replaceAll('\n', '\r\n'), 'latin1')
        expect(streamThrough(contextFor(), [crlf])).toEqual(seen)
      })
  }
})

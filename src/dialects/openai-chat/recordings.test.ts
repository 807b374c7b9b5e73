import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, streamThrough } from '../../../test/support/openai-chat.ts'
import { chatQuirks } from './index.ts'

const root = '../shared/fixtures/recordings'
const providers = {
  deepseek: chatQuirks.deepseek,
  groq: chatQuirks.groq,
  mistral: chatQuirks.mistral,
  ollama: chatQuirks.ollama,
  openai: chatQuirks.openai,
  'openai-compatible': chatQuirks.compatible,
  openrouter: chatQuirks.openrouter,
  xai: chatQuirks.xai,
} as const

interface Expected {
  readonly text: string
  readonly reasoning: string
  readonly refusal: string
  readonly tool_calls: readonly { id: string; name: string; input: unknown }[]
  readonly finish_reason: string | null
  readonly usage: Record<string, unknown> | null
  readonly error: Record<string, unknown> | null
  readonly model?: string
}

interface Recording {
  readonly provider: keyof typeof providers
  readonly name: string
  readonly body: Buffer
  readonly status: number
  readonly stream: boolean
  readonly expected: Expected
}

function readRecordings(): Recording[] {
  if (!existsSync(root)) return []
  return Object.keys(providers).flatMap((provider) => {
    const folder = join(root, provider)
    if (!existsSync(folder)) return []
    const files = readdirSync(folder)
    return files
      .filter((file) => file.endsWith('.meta.json'))
      .flatMap((file) => {
        const meta = JSON.parse(readFileSync(join(folder, file), 'utf8'))
        if (meta.api !== 'openai-chat') return []
        const name = file.replace('.meta.json', '')
        const data = files.find((other) => other.startsWith(`${name}.`) && other !== file)
        if (data === undefined) return []
        const body = readFileSync(join(folder, data))
        return [{ ...meta, provider, name, body, stream: data.endsWith('.sse') }]
      })
  })
}

/** The digest's usage in the wire's words, written by the usage table alone, and apart from the code it checks. */
function expectedUsage(provider: string, usage: Record<string, unknown>): Record<string, number> {
  // biome-ignore lint/suspicious/noExplicitAny: a recorded object, read by name.
  const told = usage as any
  const read =
    provider === 'ollama'
      ? 0
      : (told.prompt_cache_hit_tokens ?? told.num_cached_tokens ?? told.prompt_tokens_details?.cached_tokens ?? 0)
  const write = told.prompt_tokens_details?.cache_write_tokens ?? 0
  const reasoning = told.completion_tokens_details?.reasoning_tokens ?? 0
  const rest = told.prompt_cache_miss_tokens ?? told.prompt_tokens - read - write
  return {
    input_tokens: rest < 0 ? told.prompt_tokens : rest,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: write,
    output_tokens: told.completion_tokens + (provider === 'xai' ? reasoning : 0),
  }
}

const stopReasons: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  model_length: 'model_context_window_exceeded',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
}

function expectAnswer(message: Record<string, unknown>, recording: Recording): void {
  const { expected, provider } = recording
  const content = message.content as Record<string, unknown>[]
  const all = (type: string, field: string) =>
    content
      .filter((block) => block.type === type)
      .map((block) => block[field])
      .join('')
  expect(all('text', 'text')).toBe(expected.text + expected.refusal)
  expect(all('thinking', 'thinking')).toBe(expected.reasoning)
  const calls = content.filter(({ type }) => type === 'tool_use')
  expect(calls.map(({ id, name, input }) => ({ id, name, input }))).toEqual(expected.tool_calls)
  const finish = expected.finish_reason ?? ''
  expect(message.stop_reason).toBe(
    calls.length > 0 && finish === 'stop' ? 'tool_use' : (stopReasons[finish] ?? 'end_turn'),
  )
  if (expected.usage !== null) expect(message.usage).toMatchObject(expectedUsage(provider, expected.usage))
}

const cuts: Record<string, (body: Buffer) => Buffer[]> = {
  '1 byte': (body) => Array.from(body, (byte) => Buffer.from([byte])),
  '7 bytes': (body) => Array.from({ length: Math.ceil(body.length / 7) }, (_, at) => body.subarray(at * 7, at * 7 + 7)),
  'per event': (body) =>
    body
      .toString('latin1')
      .split(/(?<=\n\n)/)
      .map((event) => Buffer.from(event, 'latin1')),
  whole: (body) => [body],
}

const recordings = readRecordings()

describe.skipIf(recordings.length === 0)('recorded answers', () => {
  for (const recording of recordings) {
    const { provider, name, body, status, expected } = recording
    const quirks = providers[provider]
    const context = () => contextFor(provider)
    if (recording.stream && status < 400) {
      test.each(Object.keys(cuts))(`${provider}/${name} at chunks of %s`, (cut) => {
        const seen = streamThrough(quirks, context(), cuts[cut]?.(body) ?? [])
        const stream = checkEventStream(seen.text)
        if (expected.error === null) {
          expect(seen.error).toBeNull()
          expect(stream.complete).toBe(true)
          expectAnswer(stream.message, recording)
          expect(seen.facts.usageReported).toBe(expected.usage !== null)
          expect(seen.facts.servedModel).toBe(expected.model ?? null)
        } else {
          expect(seen.error?.shown).toContain(expected.error.message)
          expect(stream.complete).toBe(false)
        }
        // The same with CRLF, and without the last blank line.
        const crlf = Buffer.from(body.toString('latin1').trimEnd().replaceAll('\n', '\r\n'), 'latin1')
        expect(streamThrough(quirks, context(), [crlf])).toEqual(seen)
      })
    } else if (status < 400) {
      test.each(['message', 'events'] as const)(`${provider}/${name} as %s`, (form) => {
        expectAnswer(answerFrom(quirks, context(), body, form).message, recording)
      })
    } else {
      test(`${provider}/${name}`, () => {
        const failure = answerFrom.failure(quirks, status, body)
        expect(failure.shown).toContain(String(expected.error?.message))
        expect(failure.status).toBe(status)
      })
    }
  }
})

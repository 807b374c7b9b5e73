import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { contextFor, parse, streamThrough } from '../../../test/support/openai-chat.ts'
import { publishedRequest } from '../../../test/support/openai-chat-schema.ts'
import { packState } from '../shared/provider-state.ts'
import { chatQuirks, openAiChat } from './index.ts'

/**
 * What a conversation says, independent of how: who said which text, called what with which input, and what came back.
 * One reader for each wire format; a translation that keeps meaning gives both the same.
 */
interface Said {
  readonly who: 'instruct' | 'user' | 'model'
  readonly text: string
}
interface Told {
  readonly said: readonly Said[]
  readonly calls: readonly { readonly name: string; readonly input: unknown; readonly result: string }[]
  readonly images: readonly string[]
}

type Wire = Record<string, unknown>

function readMessages(body: Wire): Told {
  const said: Said[] = (body.system as Wire[]).map(({ text }) => ({ who: 'instruct', text: String(text) }))
  const calls: { name: string; input: unknown; result: string }[] = []
  const images: string[] = []
  const open = new Map<unknown, (typeof calls)[number]>()
  for (const turn of body.messages as { role: string; content: Wire[] }[]) {
    const who = turn.role === 'assistant' ? 'model' : 'user'
    for (const block of turn.content) {
      if (block.type === 'text') said.push({ who, text: String(block.text) })
      else if (block.type === 'image') images.push(String((block.source as Wire).data))
      else if (block.type === 'tool_use') {
        const call = { name: String(block.name), input: block.input, result: '' }
        calls.push(call)
        open.set(block.id, call)
      } else if (block.type === 'tool_result') {
        const call = open.get(block.tool_use_id)
        const inner = Array.isArray(block.content) ? block.content : [{ type: 'text', text: block.content ?? '' }]
        const texts = inner.filter(({ type }) => type === 'text').map(({ text }) => text)
        for (const image of inner) if (image.type === 'image') images.push(image.source.data)
        if (call !== undefined) call.result = (block.is_error === true ? 'Error: ' : '') + texts.join('\n')
      }
    }
  }
  return { said, calls, images }
}

function readChat(body: Wire, toolNames: ReadonlyMap<string, string>): Told {
  const said: Said[] = []
  const calls: { name: string; input: unknown; result: string }[] = []
  const images: string[] = []
  const open = new Map<unknown, (typeof calls)[number]>()
  for (const message of body.messages as Wire[]) {
    if (message.role === 'tool') {
      const call = open.get(message.tool_call_id)
      if (call === undefined) throw new Error('a result without a call')
      call.result = String(message.content)
      continue
    }
    const who = message.role === 'assistant' ? 'model' : message.role === 'user' ? 'user' : 'instruct'
    const parts: Wire[] = Array.isArray(message.content)
      ? message.content
      : [{ type: 'text', text: message.content ?? '' }]
    for (const part of parts) {
      if (part.type === 'image_url') {
        const url = part.image_url as string | { url: string }
        images.push(String(typeof url === 'string' ? url : url.url).replace('data:image/png;base64,', ''))
      } else if (part.type === 'text' && part.text !== '' && !String(part.text).startsWith('Files of the result'))
        said.push({ who, text: String(part.text) })
    }
    for (const call of (message.tool_calls ?? []) as { id: string; function: { name: string; arguments: string } }[]) {
      const name = toolNames.get(call.function.name) ?? call.function.name
      const read = { name, input: JSON.parse(call.function.arguments), result: '' }
      calls.push(read)
      open.set(call.id, read)
    }
  }
  return { said, calls, images }
}

const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const text = texts.map((words) => ({ type: 'text', text: words }))
const image = fc.base64String({ minLength: 4, maxLength: 12 }).map((data) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data },
}))
const toolName = fc.oneof(
  fc.constantFrom('Read', 'Bash', 'mcp__server__tool'),
  fc.string({ unit: fc.constantFrom('a', 'b', '.', ' ', 'ü', '_'), minLength: 65, maxLength: 90 }),
)
const input = fc.dictionary(
  fc.string({ maxLength: 5 }),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value))),
  { maxKeys: 3 },
)
const result = fc.record({
  content: fc.oneof(fc.constant(undefined), texts, fc.array(fc.oneof(text, image), { maxLength: 3 })),
  is_error: fc.boolean(),
})
const thinking = fc.record({
  type: fc.constant('thinking'),
  thinking: texts,
  signature: fc.oneof(
    fc.constant('foreign'),
    texts.map((words) => packState('mistral', { text: words })),
  ),
})

/** A user's turn, the model's with calls, and the user's with all results among other things. */
const exchange = fc.record({
  asked: fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 3 }),
  thoughts: fc.array(thinking, { maxLength: 1 }),
  answered: fc.array(text, { minLength: 1, maxLength: 2 }),
  calls: fc.array(fc.record({ name: toolName, input, result }), { maxLength: 3 }),
  beside: fc.array(text, { maxLength: 2 }),
  shuffled: fc.boolean(),
})

const conversation = fc
  .record({ system: fc.array(text, { maxLength: 3 }), exchanges: fc.array(exchange, { minLength: 1, maxLength: 5 }) })
  .map(({ system, exchanges }) => {
    let id = 0
    const messages: Wire[] = exchanges.flatMap(({ asked, thoughts, answered, calls, beside, shuffled }): Wire[] => {
      const uses = calls.map(({ name, input }) => ({
        type: 'tool_use',
        id: `toolu_${String(id++).padStart(24, '0')}`,
        name,
        input,
      }))
      const results = calls.map(({ result }, at) => ({ type: 'tool_result', tool_use_id: uses[at]?.id, ...result }))
      const after = shuffled ? [...beside, ...results.toReversed()] : [...results, ...beside]
      return [
        { role: 'user', content: asked },
        { role: 'assistant', content: [...thoughts, ...answered, ...uses] },
        ...(after.length === 0 ? [] : [{ role: 'user', content: after }]),
      ]
    })
    messages.push({ role: 'user', content: [{ type: 'text', text: 'go on' }] })
    return { model: 'opus', max_tokens: 10, system, messages, stream: true }
  })

/** Images of results move behind the results; their order among others does not matter. */
const sorted = (told: Told): Told => ({ ...told, images: [...told.images].sort() })
const target = (provider: string) => ({ provider, model: 'm', facts: {}, userHash: null })

describe('generated conversations', () => {
  test('say the same to OpenAI, in its published shape', () => {
    fc.assert(
      fc.property(conversation, (body) => {
        const sent = openAiChat(chatQuirks.openai).toUpstream(parse(body), target('openai'))
        const chat = JSON.parse(sent.body)
        expect(publishedRequest.safeParse(chat).error).toBeUndefined()
        expect(sorted(readChat(chat, sent.toolNames))).toEqual(sorted(readMessages(body)))
      }),
    )
  })

  test.each(Object.entries(chatQuirks))('say the same to %s, text for text', (provider, quirks) => {
    fc.assert(
      fc.property(conversation, (body) => {
        const sent = openAiChat(quirks).toUpstream(parse(body), target(provider))
        const chat = JSON.parse(sent.body)
        const told = sorted(readChat(chat, sent.toolNames))
        const meant = sorted(readMessages(body))
        // A provider that takes no parts from the model gets its texts joined, and mistral one turn more.
        const join = ({ said }: Told, who: string) =>
          said
            .filter((one) => one.who === who)
            .map((one) => one.text)
            .join('')
        for (const who of ['instruct', 'user']) expect(join(told, who)).toBe(join(meant, who))
        if (!quirks.assistantAfterTool) expect(join(told, 'model')).toBe(join(meant, 'model'))
        expect(told.calls).toEqual(meant.calls)
        expect(told.images).toEqual(meant.images)
      }),
    )
  })

  test('are translated to the same text again, and are left as they were', () => {
    fc.assert(
      fc.property(conversation, (body) => {
        const request = parse(body)
        for (const quirks of Object.values(chatQuirks)) {
          const first = openAiChat(quirks).toUpstream(request, target('mistral'))
          expect(openAiChat(quirks).toUpstream(request, target('mistral'))).toEqual(first)
        }
        expect(request).toEqual(parse(body))
      }),
      { numRuns: 30 },
    )
  })
})

const delta = fc.oneof(
  texts.map((content) => ({ content })),
  texts.map((reasoning) => ({ reasoning })),
  texts.map((reasoning_content) => ({ reasoning_content })),
  fc.constantFrom({ content: '<think>' }, { content: '</think>' }, { content: '<thi' }, { content: null }, {}),
  fc.record({
    tool_calls: fc.array(
      fc.record(
        {
          index: fc.nat(2),
          id: fc.constantFrom('a', 'b', ''),
          function: fc.record(
            { name: fc.constantFrom('read', 'write', ''), arguments: fc.constantFrom('{', '}', '{}', '"a":1', '') },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: ['function'] },
      ),
      { maxLength: 2 },
    ),
  }),
)
const chunks = fc.record({
  deltas: fc.array(delta, { maxLength: 12 }),
  finish: fc.constantFrom('stop', 'tool_calls', 'length', 'content_filter', 'error', 'odd', null),
  tail: fc.constantFrom(
    'data: [DONE]\n\n',
    '',
    'data: {"error":{"message":"x"}}\n\n',
    'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
  ),
  newline: fc.constantFrom('\n', '\r\n'),
})

describe('generated streams', () => {
  test.each(Object.entries(chatQuirks))(
    '%s: any chunking gives the same output, which satisfies the grammar',
    (provider, quirks) => {
      fc.assert(
        fc.property(
          chunks,
          fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
          ({ deltas, finish, tail, newline }, sizes) => {
            const events = [
              ...deltas.map((one) => ({ delta: one, finish_reason: null })),
              { delta: {}, finish_reason: finish },
            ]
            const lines = events.map((choice) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`)
            const body = Buffer.from((lines.join('') + tail).replaceAll('\n', newline))
            const cut: Buffer[] = []
            for (let at = 0; at < body.length; ) {
              const size = sizes.next().value ?? 1
              cut.push(body.subarray(at, at + size))
              at += size
            }
            const context = () => contextFor(provider)
            const whole = streamThrough(quirks, context(), [body])
            expect(streamThrough(quirks, context(), cut)).toEqual(whole)
            // Throws where the grammar is broken.
            expect(checkEventStream(whole.text).complete).toBe(whole.error === null)
          },
        ),
        { numRuns: 60 },
      )
    },
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkEventStream } from '../../../test/support/event-stream-checker.ts'
import { answerFrom, contextFor, eventsOf, parse, streamThrough } from '../../../test/support/openai-responses.ts'
import { publishedResponsesRequest } from '../../../test/support/openai-responses-schema.ts'
import { openAiResponses } from './index.ts'
import { packReasoning } from './reasoning-state.ts'

type Wire = Record<string, unknown>

/**
 * What a conversation says, in order and independent of how. One reader for each wire format; a translation that keeps
 * meaning gives both the same.
 */
type Told = readonly (readonly [who: string, what: unknown])[]

/** Results stand behind their calls in the other format, so what the user said beside them comes after them. */
function readMessages(body: Wire): Told {
  const told: [string, unknown][] = (body.system as Wire[]).map(({ text }) => ['instruct', text])
  for (const { role, content } of body.messages as { role: string; content: Wire[] }[]) {
    const results = new Map(content.filter(({ type }) => type === 'tool_result').map((one) => [one.tool_use_id, one]))
    for (const id of [...results.keys()].sort()) told.push(['result', [id, readResult(results.get(id) ?? {})]])
    for (const block of content) {
      if (block.type === 'text') told.push([role, block.text])
      if (block.type === 'image') told.push([role, (block.source as Wire).data])
      if (block.type === 'tool_use') told.push(['call', [block.id, block.name, block.input]])
    }
  }
  return told
}

function readResult({ content, is_error: failed }: Wire): unknown[] {
  const inner: Wire[] = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }]
  const texts = inner.filter(({ type }) => type === 'text').map(({ text }) => text)
  const images = inner.filter(({ type }) => type === 'image').map(({ source }) => (source as Wire).data)
  return [failed === true, texts.join('\n'), images]
}

const dataOf = ({ image_url: url }: Wire): string => String(url).replace('data:image/png;base64,', '')

function readInput(body: Wire, toolNames: ReadonlyMap<string, string>): Told {
  const told: [string, unknown][] = body.instructions === undefined ? [] : [['instruct', body.instructions]]
  for (const item of body.input as Wire[]) {
    if (item.type === 'function_call') {
      const name = toolNames.get(String(item.name)) ?? item.name
      told.push(['call', [item.call_id, name, JSON.parse(String(item.arguments))]])
    } else if (item.type === 'function_call_output') told.push(['result', [item.call_id, readOutput(item.output)]])
    else if (item.type === 'message') {
      const who = item.role === 'developer' ? 'instruct' : String(item.role)
      if (typeof item.content === 'string') told.push([who, item.content])
      else
        for (const part of item.content as Wire[])
          told.push([who, part.type === 'input_image' ? dataOf(part) : part.text])
    }
  }
  return told
}

function readOutput(output: unknown): unknown[] {
  const parts: Wire[] = Array.isArray(output) ? output : [{ type: 'input_text', text: output }]
  const words = parts.filter(({ type }) => type === 'input_text').map(({ text }) => String(text))
  const failed = /^Error:/.test(words[0] ?? '')
  const texts = failed ? [words[0]?.replace(/^Error: ?/, '') ?? '', ...words.slice(1)] : words
  // A mark that stands alone before images is no line of the result.
  const marked = failed && words[0] === 'Error:' ? texts.slice(1) : texts
  return [failed, marked.join('\n'), parts.filter(({ type }) => type === 'input_image').map(dataOf)]
}

const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((words) => !words.startsWith('Error'))
const text = texts.map((words) => ({ type: 'text', text: words }))
const image = fc.base64String({ minLength: 4, maxLength: 12 }).map((data) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data },
}))
const toolName = fc.oneof(
  fc.constantFrom('Read', 'Bash', 'mcp__server__tool'),
  fc.string({ unit: fc.constantFrom('a', 'b', '.', ' ', 'ü', '_'), minLength: 65, maxLength: 90 }),
)
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const input = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }).map(plain), { maxKeys: 3 })
const result = fc.record({
  content: fc.oneof(fc.constant(undefined), texts, fc.array(fc.oneof(text, image), { maxLength: 3 })),
  is_error: fc.boolean(),
})
const item = texts.map((id) => ({ type: 'reasoning', id, summary: [], encrypted_content: `of ${id}` }))
const thinking = fc.record({
  type: fc.constant('thinking'),
  thinking: texts,
  signature: fc.oneof(
    fc.constant('foreign'),
    fc
      .record({ reasoning: fc.array(item, { maxLength: 2 }), phase: fc.constantFrom(null, 'commentary') })
      .map((state) => packReasoning('openai', state)),
  ),
})

/** A user's turn, the model's with calls among its words, and the user's with all results among other things. */
const exchange = fc.record({
  asked: fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 3 }),
  answered: fc.array(fc.oneof(text, thinking), { maxLength: 4 }),
  calls: fc.array(fc.record({ name: toolName, input, result, after: fc.array(text, { maxLength: 1 }) }), {
    maxLength: 3,
  }),
  beside: fc.array(text, { maxLength: 2 }),
  shuffled: fc.boolean(),
})

const conversation = fc
  .record({ system: fc.array(text, { maxLength: 3 }), exchanges: fc.array(exchange, { minLength: 1, maxLength: 5 }) })
  .map(({ system, exchanges }) => {
    let count = 0
    const messages: Wire[] = exchanges.flatMap(({ asked, answered, calls, beside, shuffled }): Wire[] => {
      const ids = calls.map(() => `toolu_${String(count++).padStart(24, '0')}`)
      const uses = calls.flatMap(({ name, input, after }, at) => [
        { type: 'tool_use', id: ids[at], name, input },
        ...after,
      ])
      const results = calls.map(({ result }, at) => ({ type: 'tool_result', tool_use_id: ids[at], ...result }))
      const after = shuffled ? [...beside, ...results.toReversed()] : [...results, ...beside]
      return [
        { role: 'user', content: asked },
        { role: 'assistant', content: [...answered, ...uses] },
        ...(after.length === 0 ? [] : [{ role: 'user', content: after }]),
      ]
    })
    messages.push({ role: 'user', content: [{ type: 'text', text: 'go on' }] })
    return { model: 'opus', max_tokens: 100, system, messages, stream: true }
  })

const target = { provider: 'openai', model: 'm', facts: {}, userHash: null }

describe('generated conversations', () => {
  test('say the same to the provider, in its published shape, text for text and in order', () => {
    fc.assert(
      fc.property(conversation, (body) => {
        const sent = openAiResponses.toUpstream(parse(body), target)
        const request = JSON.parse(sent.body)
        expect(publishedResponsesRequest.safeParse(request).error).toBeUndefined()
        expect(readInput(request, sent.toolNames)).toEqual(readMessages(body))
      }),
      { numRuns: 200 },
    )
  })

  test('are translated to the same text again, and are left as they were', () => {
    fc.assert(
      fc.property(conversation, (body) => {
        const request = parse(body)
        const first = openAiResponses.toUpstream(request, target)
        expect(openAiResponses.toUpstream(request, target)).toEqual(first)
        expect(request).toEqual(parse(body))
      }),
      { numRuns: 30 },
    )
  })
})

const outputItem = fc.oneof(
  fc.record({
    type: fc.constant('message'),
    content: fc.array(
      fc.oneof(
        texts.map((words) => ({ type: 'output_text', text: words })),
        texts.map((words) => ({ type: 'refusal', refusal: words })),
      ),
      { maxLength: 2 },
    ),
    phase: fc.constantFrom(null, 'commentary', 'final_answer'),
  }),
  fc.record({
    type: fc.constant('function_call'),
    call_id: fc.constantFrom('a', 'b', '', 'ü'),
    name: toolName,
    arguments: fc.oneof(
      input.map((value) => JSON.stringify(value)),
      fc.constantFrom('', '{"a":'),
    ),
  }),
  fc.record({
    type: fc.constant('reasoning'),
    summary: fc.array(
      texts.map((words) => ({ type: 'summary_text', text: words })),
      { maxLength: 2 },
    ),
    encrypted_content: fc.constantFrom('secret', null),
  }),
  fc.constant({ type: 'web_search_call' }),
)
const ending = fc.constantFrom(
  { status: 'completed' },
  { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
  { status: 'incomplete', incomplete_details: null },
  { status: 'failed', error: { code: 'server_error', message: 'x' } },
  null,
)
const answer = fc.record({
  items: fc.array(outputItem, { maxLength: 5 }),
  ending,
  parts: fc.boolean(),
  newline: fc.constantFrom('\n', '\r\n'),
  stops: fc.array(fc.string({ minLength: 1, maxLength: 2 }), { maxLength: 2 }),
})

/** The events of an answer, its texts in deltas of two characters; with `parts` the done events of parts as well. */
function eventsFor(items: readonly Wire[], parts: boolean): Wire[] {
  return items.flatMap((item, index) => {
    const at = { output_index: index, item_id: item.id }
    const empty = { ...item, content: [], summary: [], arguments: '', encrypted_content: null }
    const deltas = (type: string, text: string, place: Wire): Wire[] => [
      ...(text.match(/.{1,2}/gsu) ?? []).map((delta) => ({ type: `${type}.delta`, ...at, ...place, delta })),
      ...(parts ? [{ type: `${type}.done`, ...at, ...place, text, refusal: text, arguments: text }] : []),
    ]
    const content = ((item.content ?? []) as Wire[]).flatMap((part, place) =>
      deltas(`response.${String(part.type)}`, String(part.text ?? part.refusal), { content_index: place }),
    )
    const summary = ((item.summary ?? []) as Wire[]).flatMap((part, place) =>
      deltas('response.reasoning_summary_text', String(part.text), { summary_index: place }),
    )
    const called =
      item.arguments === undefined ? [] : deltas('response.function_call_arguments', String(item.arguments), {})
    return [
      { type: 'response.output_item.added', output_index: index, item: empty },
      ...content,
      ...summary,
      ...called,
      { type: 'response.output_item.done', output_index: index, item },
    ]
  })
}

test('generated answers: any chunking, and the whole answer at once, give the same; the grammar holds', () => {
  fc.assert(
    fc.property(
      answer,
      fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
      ({ items, ending: last, parts, newline, stops }, sizes) => {
        const output: Wire[] = items.map((one, at) => ({ ...one, id: `id_${at}` }))
        const response = {
          object: 'response',
          model: 'served',
          usage: { input_tokens: 3, output_tokens: 2 },
          output,
          ...last,
        }
        const end = last === null ? [] : [{ type: `response.${last.status}`, response }]
        const bytes = eventsOf({ type: 'response.created', response: {} }, ...eventsFor(output, parts), ...end)
        const body = Buffer.from(bytes.toString('utf8').replaceAll('\n', newline))
        const cut: Buffer[] = []
        for (let at = 0; at < body.length; ) {
          const size = sizes.next().value ?? 1
          cut.push(body.subarray(at, at + size))
          at += size
        }
        const context = () => contextFor({ stop_sequences: stops })
        const whole = streamThrough(context(), [body])
        expect(streamThrough(context(), cut)).toEqual(whole)
        // Throws where the grammar is broken.
        const checked = checkEventStream(whole.text)
        expect(checked.complete).toBe(whole.error === null)
        if (last === null) {
          expect(whole.error).not.toBeNull()
        } else if (whole.error === null) {
          const { message, facts } = answerFrom(context(), response)
          expect(message).toEqual(checked.message)
          expect(facts).toEqual(whole.facts)
        } else expect(() => answerFrom(context(), response)).toThrow()
      },
    ),
    { numRuns: 400 },
  )
})

/**
 * Generated conversations keep their meaning on the way to Gemini. The body is read by a reader of its own, written from
 * Gemini's reference alone, which says what the model would see.
 */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { gemini3, gemini25, sent } from '../../../test/support/gemini.ts'

// Generated cases take seconds on a slow machine.
vi.setConfig({ testTimeout: 60_000 })

type Said =
  | { by: 'user' | 'model'; text: string }
  | { by: 'user'; data: string }
  | { by: 'model'; call: string; input: unknown; id: string }
  | { by: 'user'; answers: string; error: boolean; text: string; id: string }

const words = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !text.startsWith('<system-reminder>'))
const text = words.map((said) => ({ type: 'text', text: said }))
const image = fc.base64String({ minLength: 4, maxLength: 12 }).map((data) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data },
}))
const names = ['read', 'mcp__a_server_with_a_long_name__and_a_tool_with_a_name_that_is_longer_still', 'odd name']
const call = fc.record({
  name: fc.constantFrom(...names),
  input: fc.dictionary(words, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
})
const result = fc.record({
  content: fc.oneof(words, fc.array(text, { maxLength: 3 }), fc.constant(undefined), fc.constant('')),
  is_error: fc.boolean(),
})
const step = fc.oneof(
  fc.record({
    kind: fc.constant('user' as const),
    blocks: fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('system' as const), said: words }),
  fc.record({ kind: fc.constant('model' as const), blocks: fc.array(text, { minLength: 1, maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('tools' as const),
    before: fc.array(text, { maxLength: 1 }),
    calls: fc.array(fc.tuple(call, result), { minLength: 1, maxLength: 3 }),
    shuffled: fc.boolean(),
    after: fc.array(text, { maxLength: 2 }),
  }),
)

/** The conversation as Messages, and what it says. */
function conversationOf(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  const messages: object[] = [{ role: 'user', content: 'begin' }]
  const said: Said[] = [{ by: 'user', text: 'begin' }]
  let count = 0
  for (const one of steps) {
    if (one.kind === 'system') {
      messages.push({ role: 'system', content: one.said })
      said.push({ by: 'user', text: `<system-reminder>\n${one.said}\n</system-reminder>` })
    } else if (one.kind === 'tools') {
      const calls = one.calls.map(([{ name, input }, answer]) => ({ id: `toolu_${count++}`, name, input, answer }))
      messages.push({
        role: 'assistant',
        content: [...one.before, ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input }))],
      })
      const results = calls.map(({ id, answer }) => ({ type: 'tool_result', tool_use_id: id, ...answer }))
      messages.push({ role: 'user', content: [...(one.shuffled ? results.reverse() : results), ...one.after] })
      said.push(...one.before.map((block) => ({ by: 'model' as const, text: block.text })))
      said.push(...calls.map(({ id, name, input }) => ({ by: 'model' as const, call: name, input, id })))
      for (const { id, name, answer } of calls) {
        const parts =
          typeof answer.content === 'string' ? [answer.content] : (answer.content ?? []).map((block) => block.text)
        said.push({ by: 'user', answers: name, error: answer.is_error, text: parts.join('\n'), id })
      }
      said.push(...one.after.map((block) => ({ by: 'user' as const, text: block.text })))
    } else {
      messages.push({ role: one.kind === 'user' ? 'user' : 'assistant', content: one.blocks })
      for (const block of one.blocks)
        said.push('text' in block ? { by: one.kind, text: block.text } : { by: 'user', data: block.source.data })
    }
  }
  return { messages, said }
}

/** What Gemini reads, part by part. Throws where it would refuse the body. */
function readByGemini(
  body: { contents: { role: string; parts: Record<string, unknown>[] }[] },
  toName: (name: string) => string,
  withIds: boolean,
): Said[] {
  let last = ''
  let open: string[] = []
  return body.contents.flatMap(({ role, parts }) => {
    if (role === last || parts.length === 0) throw new Error('contents do not alternate, or are empty')
    last = role
    const by = role === 'model' ? 'model' : 'user'
    // biome-ignore lint/suspicious/noExplicitAny: parts are read by name, as Gemini does.
    const responses = parts.filter((part) => part.functionResponse !== undefined) as any[]
    if (by === 'user') {
      if (responses.map((part) => part.functionResponse.name).join() !== open.join())
        throw new Error('results do not match the calls')
      if (parts.slice(0, responses.length).some((part) => part.functionResponse === undefined))
        throw new Error('results come late')
      open = []
    }
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    return parts.map((part: any): Said => {
      if (typeof part.text === 'string') return { by, text: part.text }
      if (part.inlineData !== undefined) return { by: 'user', data: part.inlineData.data }
      if (part.functionCall !== undefined) {
        const { id = '', name, args } = part.functionCall
        if (!/^[a-zA-Z_][\w.:-]{0,63}$/.test(name)) throw new Error(`no name: ${name}`)
        if (withIds && open.length === 0 && part.thoughtSignature === undefined)
          throw new Error('the first call has no signature')
        open.push(name)
        return { by: 'model', call: toName(name), input: args, id }
      }
      const { id = '', name, response } = part.functionResponse
      return {
        by: 'user',
        answers: toName(name),
        error: 'error' in response,
        text: response.error ?? response.output,
        id,
      }
    })
  })
}

test('any conversation means the same to Gemini', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), fc.boolean(), (steps, newer) => {
      const { messages, said } = conversationOf(steps)
      const { body, toolNames } = sent({ messages, tools: names.map((name) => ({ name })) }, newer ? gemini3 : gemini25)
      const seen = readByGemini(body, (name) => toolNames.get(name) ?? name, newer)
      // Before Gemini 3 calls have no ids; name and order tell which result is whose.
      const expected = newer ? said : said.map((one) => ('id' in one ? { ...one, id: '' } : one))
      expect(seen).toEqual(JSON.parse(JSON.stringify(expected)))
    }),
    { numRuns: 150 },
  )
})

test('the same request always gives the same text', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4 }), (steps) => {
      const { messages } = conversationOf(steps)
      expect(sent({ messages })).toEqual(sent({ messages }))
    }),
    { numRuns: 30 },
  )
})
